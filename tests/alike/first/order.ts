// stdout and stderr in the order of writing, where both end at the same place; stdin is not read, and left.
import order from "../programs/order.ts";

export default order;
