"""What training refuses to do."""

from hub.core.exceptions import Conflict, Invalid, Unavailable


class BadTrainingData(Invalid):
    code = "bad_training_data"
    message = "{repository}: line {line} of {path} does not hold what training needs."


class BadRecipe(Invalid):
    code = "bad_recipe"
    message = "This is not a recipe that can be trained here: {reason}"


class DataChanged(Conflict):
    code = "data_changed"
    message = "{repository}: {path} at {commit} is not the file that the recipe names (its SHA-256 differs)."


class TrainedModelFailed(Invalid):
    code = "trained_model_failed"
    message = "The trained model does not answer as it should: {reason}"


class PackageAbsent(Unavailable):
    code = "package_absent"
    message = (
        "The package {package} is not installed; "
        "`pip install --no-deps --require-hashes -r requirements/starter.txt` brings it."
    )


class PackageChanged(Conflict):
    code = "package_changed"
    message = "{package}: {path} is not the file that was reviewed (its SHA-256 differs), so it is not published."
