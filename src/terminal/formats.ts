/** The names of the formats in which a run is shown. The first is the default. */
export const OUTPUT_FORMATS = ["human", "lines", "json"] as const;

/** How a run is shown. */
export type OutputFormat = typeof OUTPUT_FORMATS[number];
