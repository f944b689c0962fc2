/** `testTimeout` of a project's configuration is ignored where all projects run together. */
import.meta.jest.setTimeout(60_000);
