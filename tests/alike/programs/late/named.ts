export const named: string = `${import.meta.url.split("/").at(-1)} ${import.meta.main}`;
