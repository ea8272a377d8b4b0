/** How far an element is scrolled, and how much of it is seen. */

import { useLayoutEffect, useState } from "./packages.ts";

export function useScroll(
  element: { readonly current: HTMLElement | null },
): { readonly top: number; readonly height: number } {
  const [place, setPlace] = useState({ top: 0, height: 0 });
  useLayoutEffect(() => {
    const scrolled = element.current;
    if (scrolled === null) return;
    const look = () => {
      const { scrollTop: top, clientHeight: height } = scrolled;
      setPlace((before) =>
        before.top === top && before.height === height ? before : { top, height }
      );
    };
    const observer = new ResizeObserver(look);
    observer.observe(scrolled);
    scrolled.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      scrolled.removeEventListener("scroll", look);
    };
  }, [element.current]);
  return place;
}
