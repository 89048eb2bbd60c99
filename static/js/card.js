// The front matter of a card as far as publishing needs it: a few keys read, and keys added that it lacks.
const FENCE = /^\ufeff?---[ \t]*\r?\n([\s\S]*?)^---[ \t]*(?:\r?\n|$)/m;
// What YAML reads as a text without quotes.
const PLAIN = /^(?!(?:true|false|yes|no|on|off|null|y|n)$)[a-z][\w.+ ()/-]*$/i;

const bare = (text) => text.replace(/(^|\s)#.*$/, "").trim().replace(/^["']|["']$/g, "").trim();

// The lines of the front matter, or null where there is none.
function frontOf(text) {
  const front = text.match(FENCE);
  return front && front.index === 0 ? front[1] : null;
}

export function licenceIn(text) {
  const line = frontOf(text)?.match(/^license:[ \t]*["']?([^"'\r\n#]+)/m);
  return line ? line[1].trim() : "";
}

// What `base_model` names: one, a list in brackets, or a list of lines.
export function basesIn(text) {
  const found = frontOf(text)?.match(/^(?:base_model|source_datasets):[ \t]*([^\r\n]*)((?:\r?\n[ \t]*-[^\r\n]*)*)/m);
  if (!found) return [];
  const lines = found[2].split("\n").map((line) => line.replace(/^[ \t]*-/, ""));
  const inline = found[1].replace(/(^|\s)#.*$/, "").trim().replace(/^\[|\]\s*$/g, "").split(",");
  return [...inline, ...lines].map(bare).filter((name) => /^[\w.-]+(\/[\w.-]+)?$/.test(name));
}

const written = (value) => (PLAIN.test(value) ? value : JSON.stringify(value));

// The card with these keys: those that it has already stay as they are, and empty values are left out.
export function cardWith(text, values, name) {
  const front = frontOf(text) ?? "";
  const has = (key) => new RegExp(`^${key}:(?:[ \\t]*[^\\s#]|[^\\n]*\\n[ \\t]*-)`, "m").test(front);
  const added = Object.entries(values).filter(([key, value]) => key && value.length && !has(key));
  if (!added.length) return text;
  const lines = added.map(([key, value]) =>
    Array.isArray(value) ? `${key}:\n${value.map((one) => `- ${written(one)}\n`).join("")}` : `${key}: ${written(value)}\n`,
  );
  if (frontOf(text) === null) return `---\n${lines.join("")}---\n\n${text || `# ${name}\n`}`;
  // A key without a value makes room for the one that has it.
  const rest = added.reduce((left, [key]) => left.replace(new RegExp(`^${key}:[^\\n]*\\n`, "m"), ""), front);
  return text.replace(front, () => rest).replace(/^(\ufeff?---[ \t]*\r?\n)/, (fence) => fence + lines.join(""));
}
