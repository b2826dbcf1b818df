/** The link to what is shown; share.ts reads it. A file of its own, since no page begins with it. */
import { shownCharts, type SharedCharts } from './charts';
import type { Shared } from './share';
import type { Settings } from './storage';

export function writeLink(shared: Omit<Shared, 'embed'>): string {
  const parts: string[] = [];
  if (shared.symbol) parts.push('s=' + encodeURIComponent(shared.symbol));
  if (shared.symbols?.length) parts.push('l=' + shared.symbols.map(encodeURIComponent).join(','));
  if (shared.interval) parts.push('i=' + shared.interval);
  if (shared.charts) parts.push('c=' + shared.charts.map((c) => `${encodeURIComponent(c.symbol)}:${c.interval}`).join(','));
  if (shared.chosen) parts.push(`n=${shared.chosen}`);
  if (shared.compared) parts.push('v=' + shared.compared.map(encodeURIComponent).join(','));
  if (shared.theme) parts.push('t=' + shared.theme);
  return parts.length > 0 ? '#' + parts.join('&') : '';
}

/** What a link says of charts. */
export function shareCharts(settings: Settings): SharedCharts {
  const shown = shownCharts(settings);
  const { chosen } = settings.charts;
  const compared = [...shown[chosen]!.compared];
  return {
    ...(shown.length > 1 && { charts: shown.map(({ symbol, interval }) => ({ symbol, interval })) }),
    ...(shown.length > 1 && chosen > 0 && { chosen }),
    ...(compared.length > 0 && { compared }),
  };
}
