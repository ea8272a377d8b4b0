exports.part = "part";
exports.deep = require("./" + ["deep"][0] + ".cjs").deep;
