// The upload side of the wire, as the command line speaks it: create, ask which way each file goes, send large files,
// commit. Every call throws a Refusal whose message is the server's own sentence.
export class Refusal extends Error {
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const PLURAL = { model: "models", dataset: "datasets", app: "spaces" };
const PREFIX = { model: "", dataset: "datasets/", app: "spaces/" };
const PREUPLOAD_AT_ONCE = 200; // The server takes 256 files in one question.

export class Wire {
  constructor({ csrf, offline }) {
    this.csrf = csrf;
    this.offline = offline; // What to say when the server cannot be reached.
  }

  async call(path, body, headers = {}) {
    let response;
    try {
      response = await fetch(path, {
        method: "POST",
        credentials: "same-origin",
        headers: { "X-CSRFToken": this.csrf, Accept: "application/json", ...headers },
        body,
      });
    } catch {
      throw new Refusal(this.offline, 0, "offline");
    }
    const text = await response.text();
    let answer = {};
    try {
      answer = text ? JSON.parse(text) : {};
    } catch {
      answer = {};
    }
    if (!response.ok) {
      throw new Refusal(answer.error || answer.message || `${response.status} ${response.statusText}`, response.status, answer.code);
    }
    return answer;
  }

  json(path, value, type = "application/json") {
    return this.call(path, JSON.stringify(value), { "Content-Type": type });
  }

  create({ kind, owner, name, visibility }) {
    return this.json("/api/repos/create", {
      type: kind,
      organization: owner,
      name,
      visibility,
      private: visibility === "private",
      ...(kind === "app" ? { sdk: "static" } : {}),
    });
  }

  // Which way each file goes. Gives a map from path to {uploadMode, shouldIgnore}.
  async modes({ kind, repository, revision, isProposed }, files) {
    const modes = new Map();
    for (let at = 0; at < files.length; at += PREUPLOAD_AT_ONCE) {
      const some = files.slice(at, at + PREUPLOAD_AT_ONCE);
      const asked = await Promise.all(
        some.map(async ({ path, file }) => ({ path, size: file.size, sample: await base64(file.slice(0, 512)) })),
      );
      const address = `/api/${PLURAL[kind]}/${repository}/preupload/${encodeURIComponent(revision)}${isProposed ? "?create_pr=1" : ""}`;
      const answer = await this.json(address, { files: asked });
      for (const entry of answer.files) modes.set(entry.path, entry);
    }
    return modes;
  }

  // Send one large file. `progress(bytes)` hears how far it is. Gives false where the server had it already.
  async sendLarge({ kind, repository, revision, isProposed }, { file, sha256 }, progress) {
    const answer = await this.json(
      `/${PREFIX[kind]}${repository}.git/info/lfs/objects/batch`,
      {
        operation: "upload",
        transfers: ["basic"],
        hash_algo: "sha256",
        // What is for a pull request in the making has no ref yet.
        ...(isProposed ? {} : { ref: { name: revision.startsWith("refs/") ? revision : `refs/heads/${revision}` } }),
        objects: [{ oid: sha256, size: file.size }],
      },
      "application/vnd.git-lfs+json",
    );
    const [object] = answer.objects;
    if (object.error) throw new Refusal(object.error.message, object.error.code);
    const action = object.actions?.upload;
    if (!action) return false;
    await put(here(action.href), file, action.header ?? {}, progress, this.offline);
    const verify = object.actions.verify;
    if (verify) await this.json(here(verify.href), { oid: sha256, size: file.size }, "application/vnd.git-lfs+json");
    return true;
  }

  // One commit of all files, or a pull request with it: small ones inside it, large ones by their hash.
  async commit({ kind, repository, revision, isProposed }, summary, entries) {
    const lines = [JSON.stringify({ key: "header", value: { summary, description: "" } }), "\n"];
    for (const { path, file, sha256 } of entries) {
      const line = sha256
        ? { key: "lfsFile", value: { path, algo: "sha256", oid: sha256, size: file.size } }
        : { key: "file", value: { path, content: await base64(file), encoding: "base64" } };
      lines.push(JSON.stringify(line), "\n");
    }
    const address = `/api/${PLURAL[kind]}/${repository}/commit/${encodeURIComponent(revision)}`;
    return this.call(address + (isProposed ? "?create_pr=1" : ""), new Blob(lines), {
      "Content-Type": "application/x-ndjson",
    });
  }
}

export const pageOf = ({ kind, repository }) => `/${PREFIX[kind]}${repository}`;

// The server writes addresses with its public name; this page may have been opened by another (localhost).
export function here(href) {
  const url = new URL(href, location.href);
  return url.pathname + url.search;
}

function put(address, file, headers, progress, offline) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch cannot tell how much of a body has been sent.
    request.open("PUT", address);
    for (const [name, value] of Object.entries(headers)) {
      if (!/^(host|content-length)$/i.test(name)) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve();
      let message = `${request.status} ${request.statusText}`;
      try {
        const answer = JSON.parse(request.responseText);
        message = answer.error || answer.message || message;
      } catch {
        // The status is all there is to say.
      }
      reject(new Refusal(message, request.status));
    };
    request.onerror = () => reject(new Refusal(offline, 0, "offline"));
    request.onabort = () => reject(new Refusal(offline, 0, "aborted"));
    request.send(file);
  });
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    if (blob.size) reader.readAsDataURL(blob);
    else resolve("");
  });
}
