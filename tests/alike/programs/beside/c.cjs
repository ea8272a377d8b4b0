const { readFileSync } = require("node:fs");
const { join } = require("node:path");

module.exports = {
  dir: __dirname,
  file: __filename,
  main: require.main === module,
  data: JSON.parse(readFileSync(join(__dirname, "data.json"), "utf8")).word,
};
