/** The format of `logs` that is a trace for other tools. */
export const TRACE_FORMAT = "chrome-trace";
