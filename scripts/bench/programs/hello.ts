/** Says something. */

console.log("hello");
