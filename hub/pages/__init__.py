"""The pages of the site. They stand on top of every app, for one page shows what several apps know of a model."""
