export { work } from "../beside/lib.ts";
export const name: string = "b";
