import { KAFKA_VERSION } from './kafka.js';
import { downloadedBytes } from './maven.js';

test("sizes are read from Maven's lines", () => {
  const line = (size: string): string => `[INFO] Downloaded from central: https://repo/a-1.0.jar (${size} at 3.4 MB/s)`;
  expect([line('512 B'), line('8.1 kB'), line('1.2 MB')].map(downloadedBytes)).toEqual([512, 8100, 1_200_000]);
  expect(downloadedBytes('[INFO] Downloading from central: https://repo/a-1.0.jar')).toBe(0);
  expect(downloadedBytes('[INFO] Total time:  5.5 s')).toBe(0);
});

test('the version is that of the pom', () => {
  expect(KAFKA_VERSION).toMatch(/^4\.\d+\.\d+$/);
});
