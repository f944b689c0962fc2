import { tmpdir } from 'node:os';
import { requireFreeSpace } from './free-space.js';

test('passes where there is room, and says how much is missing where there is not', async () => {
  await expect(requireFreeSpace(tmpdir(), 1)).resolves.toBeUndefined();
  await expect(requireFreeSpace(tmpdir(), 1_000_000_000)).rejects.toThrow(
    /The disk is nearly full: \d+ MB are free in .*, the servers need 1000000000 MB\. Free some, or set STACK_DIRECTORY/,
  );
});
