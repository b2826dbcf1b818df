/** The library of charts as a file of its own. */
import './main'; // see extras.ts
export { PriceChart } from '../chart/price-chart';
