import { data } from "../beside/lib.ts";

export default `one ${data()}` as string;
