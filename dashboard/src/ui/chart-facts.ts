/** What the parts around a chart ask alike. */
import { chartKey, type LoadState } from '../store/bar-loader';
import type { ShownChart } from '../store/charts';
import { formatDay, formatMoment } from '../store/format';
import type { Model } from '../store/model';

export function direction(value: number | undefined): string {
  return value === undefined || value === 0 ? '' : value > 0 ? 'up' : 'down';
}

export function timeOf(model: Model, { interval }: ShownChart, time: number): string {
  return interval === '1d' ? formatDay(time * 1000, 'UTC') : formatMoment(time * 1000, model.settings.value.zone);
}

export function stateOf(model: Model, { symbol, interval }: ShownChart): LoadState | undefined {
  return model.loader.states.value.get(chartKey({ symbol, interval }));
}
