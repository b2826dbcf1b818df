/** The page's few icons: one path each on a 16 × 16 field. Those that come later are with what shows them. */
const PATHS = {
  columns: 'M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10',
  bell: 'M4 11V7.5a4 4 0 0 1 8 0V11l1 1.2H3zM6.8 14h2.4',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3 14 14',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M5 3l8 5-8 5z',
  gear: 'M2.5 4.5h7M12.5 4.5h1M2.5 11.5h1M6.5 11.5h7M11 3v3M5 10v3',
  help: 'M5.8 5.9a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12.2v.3',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13 9.8A5.6 5.6 0 0 1 6.2 3 5.6 5.6 0 1 0 13 9.8z',
  back: 'M10 3 5 8l5 5',
  chevron: 'M4.5 6.5 8 10l3.5-3.5',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  note: 'M3.5 2.5h9v11h-9zM6 6h4M6 9h2.5',
  edit: 'M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z',
  candles: 'M5 2v2.5M5 10.5V13M3.2 4.5h3.6v6H3.2zM11 3v2.5M11 9v4M9.2 5.5h3.6V9H9.2z',
  bars: 'M5 3v10M2.8 10H5M5 5.5h2.2M11.2 2.5v9M9 8.5h2.2M11.2 4h2.2',
  line: 'M2 11.5l3.5-4 3 2.5L14 4',
  area: 'M2 11l3.5-4 3 2.5L14 4M2 13.5h12',
  baseline: 'M2 8h1.5M5.2 8h1.6M8.6 8h1.6M12 8h2M2 11c2-6 4-6 6-3s4 3 6-3',
  one: 'M2.5 3h11v10h-11z',
  two: 'M2.5 3h11v10h-11zM8 3v10',
  four: 'M2.5 3h11v10h-11zM8 3v10M2.5 8h11',
  more: 'M3 8h.01M8 8h.01M13 8h.01',
  flask: 'M6.5 2.5h3M7 2.5V7L3.2 12.6a.6.6 0 0 0 .5.9h8.6a.6.6 0 0 0 .5-.9L9 7V2.5M5 10.5h6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return <Drawn path={PATHS[name]} />;
}

export function Drawn({ path }: { path: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
