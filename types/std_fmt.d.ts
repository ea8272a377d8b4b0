/** The functions of `@std/fmt/colors` that this project uses, which its npm build has no types for. */

export function bold(text: string): string;
export function rgb8(text: string, color: number): string;
export function getColorEnabled(): boolean;
export function setColorEnabled(value: boolean): void;
export function stripAnsiCode(text: string): string;
