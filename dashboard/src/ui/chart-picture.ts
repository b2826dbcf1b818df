/** A chart as a picture that says by itself what it shows. */
const PAD = 16;
const HEAD = 58;
const FOOT = 30;

export interface Caption { title: string; reading: string; foot: string; mark: string }

export function chartPicture(chart: HTMLCanvasElement, { title, reading, foot, mark }: Caption): HTMLCanvasElement {
  const css = getComputedStyle(document.documentElement);
  const value = (name: string) => css.getPropertyValue(name).trim();
  const ratio = devicePixelRatio || 1;
  const [width, height] = [chart.width / ratio, chart.height / ratio];
  const canvas = document.createElement('canvas');
  canvas.width = chart.width;
  canvas.height = Math.round((height + HEAD + FOOT) * ratio);
  const pen = canvas.getContext('2d')!;
  pen.scale(ratio, ratio);
  pen.fillStyle = value('--panel');
  pen.fillRect(0, 0, width, height + HEAD + FOOT);
  pen.font = `700 ${Math.max(20, Math.min(76, width * 0.08))}px ${value('--font')}`;
  pen.fillStyle = value('--violet');
  pen.globalAlpha = 0.1;
  pen.textAlign = 'center';
  pen.fillText(mark, width / 2, HEAD + height / 2);
  pen.globalAlpha = 1;
  pen.textAlign = 'start';
  pen.drawImage(chart, 0, HEAD, width, height);
  const write = (text: string, y: number, font: string, colour: string): void => {
    pen.font = `${font} ${value('--font')}`;
    pen.fillStyle = value(colour);
    pen.fillText(text, PAD, y, width - 2 * PAD);
  };
  write(title, 25, '600 15px', '--text');
  write(reading, 45, '12px', '--soft');
  write(foot, height + HEAD + 20, '11px', '--muted');
  return canvas;
}
