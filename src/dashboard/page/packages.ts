/** The packages of the page, in one place: they are not among the imports that users' programs get. */

export { type ComponentChildren, render, type VNode } from "npm:preact@10.29.8";
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "npm:preact@10.29.8/hooks";
export {
  batch,
  computed,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
} from "npm:@preact/signals@2.11.4";
export { default as uPlot } from "npm:uplot@1.6.32";
