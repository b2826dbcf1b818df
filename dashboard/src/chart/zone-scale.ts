/**
 * The time axis in a zone of one's choice. The library weighs its marks (a day is more than an hour) by
 * UTC; here each is weighed by what the zone's clock shows. Bars themselves keep their true times.
 */
import { defaultHorzScaleBehavior, type Time, type UTCTimestamp } from 'lightweight-charts';
import { zoneOffset, type Zone } from '../store/format';

const Behavior = defaultHorzScaleBehavior();
type Points = Parameters<InstanceType<typeof Behavior>['fillWeightsForPoints']>[0];

export class ZoneScale extends Behavior {
  zone: Zone = 'UTC';

  override fillWeightsForPoints(points: Points, start: number): void {
    const shifted = points.map((point) => {
      const time = point.originalTime as number;
      return { ...point, time: this.convertHorzItemToInternal((time + zoneOffset(time, this.zone)) as UTCTimestamp as Time) };
    }) as unknown as Points;
    super.fillWeightsForPoints(shifted, start);
    for (let i = start; i < points.length; i++) (points[i] as { timeWeight: unknown }).timeWeight = shifted[i]!.timeWeight;
  }
}
