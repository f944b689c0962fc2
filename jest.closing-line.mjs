/** How long the servers of the run may take to stop before whatever still runs counts as left behind. */
const LINGER_MS = 30_000;

/**
 * Tells run-tests.mjs how many tests passed and failed, for the last line of all. A run that a test keeps alive (a timer, a
 * socket) is ended all the same, as failed, and says by what.
 */
export default class ClosingLine {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    process.send?.({
      passed: numPassedTests,
      failed: numFailedTests + numRuntimeErrorTestSuites,
      skipped: numPendingTests,
    });
    setTimeout(() => {
      process.stderr.write(`Tests have left something running: ${process.getActiveResourcesInfo().join(', ')}\n`);
      process.exit(1);
    }, LINGER_MS).unref();
  }
}
