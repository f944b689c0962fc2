import { achieved, formatValue, formatWanted, type Figure, type ScenarioResult } from './figure.js';

const LABEL_WIDTH = 430;
const BAR_WIDTH = 300;
const VALUE_WIDTH = 210;
const ROW_HEIGHT = 22;
const TOP = 46;
/** The bars' scale ends here: twice the wanted value. */
const MAX_SHARE = 2;

/**
 * An SVG with one bar for each figure that has a wanted value: how much of it is reached, 1 being all of it. Figures of which
 * less is better are turned over, so that a longer bar is always better.
 */
export function achievedChart(results: readonly ScenarioResult[]): string {
  const rows = results.flatMap(({ scenario, figures }) =>
    figures.flatMap((figure) => {
      const share = achieved(figure);
      return share === undefined ? [] : [{ scenario, figure, share }];
    }),
  );
  const width = LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH;
  const height = TOP + rows.length * ROW_HEIGHT + 14;
  const wantedAt = LABEL_WIDTH + BAR_WIDTH / MAX_SHARE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${LABEL_WIDTH}" y="20" font-weight="600">share of the wanted value</text>`,
    `<text x="${wantedAt}" y="38" text-anchor="middle" fill="#57606a">wanted</text>`,
    ...rows.map(({ scenario, figure, share }, i) => bar(scenario, figure, share, TOP + i * ROW_HEIGHT)),
    `<line x1="${wantedAt}" y1="${TOP - 4}" x2="${wantedAt}" y2="${height - 8}" stroke="#1f2328" stroke-dasharray="3 3"/>`,
    '</svg>',
    '',
  ].join('\n');
}

function bar(scenario: string, figure: Figure, share: number, y: number): string {
  const length = (Math.min(share, MAX_SHARE) / MAX_SHARE) * BAR_WIDTH;
  const color = share >= 1 ? '#1a7f37' : '#bf8700';
  const value = `${formatValue(figure)} (wanted ${formatWanted(figure)})`;
  return [
    `<text x="${LABEL_WIDTH - 8}" y="${y + 14}" text-anchor="end">${escapeXml(`${scenario}: ${figure.measure}`)}</text>`,
    `<rect x="${LABEL_WIDTH}" y="${y + 3}" width="${length.toFixed(1)}" height="${ROW_HEIGHT - 8}" fill="${color}"/>`,
    `<text x="${LABEL_WIDTH + BAR_WIDTH + 8}" y="${y + 14}">${escapeXml(value)}</text>`,
  ].join('\n');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
