/** How long the servers of the run may take to stop before whatever still runs counts as left behind. */
const LINGER_MS = 30_000;

/**
 * Ends a test run with the plain line that every CI can read: `N passed, N failed`. A run that a test keeps alive (a
 * timer, a socket) is ended all the same, as failed, and says by what.
 */
export default class ClosingLine {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    process.stdout.write(`${numPassedTests} passed, ${failed} failed${skipped}\n`);
    setTimeout(() => {
      process.stderr.write(`Tests have left something running: ${process.getActiveResourcesInfo().join(', ')}\n`);
      process.exit(1);
    }, LINGER_MS).unref();
  }
}
