import { addressParts, isHost, parsePort, serviceLinkPort } from './address.js';
import { InvalidValueError, variable, type Description, type Variable } from './variable.js';

export interface HostOptions extends Description {
  readonly default: string;
  /** The variable that takes the port, for advice. */
  readonly portVariable: string;
  /** Whether a path counts as the folder of a Unix socket, as for PostgreSQL. */
  readonly socketFolder?: boolean;
}

/** The host of a server: a name or an IP address (IPv6 with or without brackets), nothing else. */
export function serverHost(name: string, options: HostOptions): Variable<string> {
  const accepts = `a host name or an IP address${options.socketFolder === true ? ', or the folder of a Unix socket' : ''}`;
  return variable(name, options, accepts, options.default, (text) => {
    if (options.socketFolder === true && text.startsWith('/')) return text;
    const { scheme, host, port } = addressParts(text);
    if (scheme === undefined && port === undefined && isHost(host) && !/[/@?#]/.test(text)) return host;
    if (!isHost(host)) throw new InvalidValueError(accepts);
    const portAdvice =
      port === undefined || parsePort(port) === undefined ? '' : ` and ${options.portVariable}=${port}`;
    throw new InvalidValueError(accepts, `write ${name}=${host}${portAdvice}`);
  });
}

/** The port of a server. A link that Kubernetes sets by itself (`tcp://10.0.0.1:6379`) stands for its port. */
export function serverPort(name: string, options: Description & { readonly default: number }): Variable<number> {
  const accepts = 'a port from 1 to 65535';
  return variable(name, options, accepts, options.default, (text) => {
    const port = parsePort(text) ?? serviceLinkPort(text);
    if (port === undefined) throw new InvalidValueError(accepts);
    return port;
  });
}

/** A port to listen on; 0 takes a free one. A link that Kubernetes sets by itself counts as not set: it is another's. */
export function listeningPort(name: string, options: Description & { readonly default: number }): Variable<number> {
  const accepts = 'a port from 0 to 65535';
  const port = variable(name, options, accepts, options.default, (text) => {
    const value = text === '0' ? 0 : parsePort(text);
    if (value === undefined) throw new InvalidValueError(accepts);
    return value;
  });
  return { ...port, countsAsUnset: (text) => serviceLinkPort(text) !== undefined };
}

/** An address to listen on. A name is refused: tcsh and conda set HOST to a name of their own. */
export function listeningHost(name: string, options: Description & { readonly default: string }): Variable<string> {
  const accepts = 'an IP address of this machine, such as 127.0.0.1 or 0.0.0.0, or localhost';
  return variable(name, options, accepts, options.default, (text) => {
    const { scheme, host, port } = addressParts(text);
    const isAddress = host.toLowerCase() === 'localhost' || (isHost(host) && /^[\d.]+$|:/.test(host));
    if (isAddress && scheme === undefined && port === undefined) return host;
    throw new InvalidValueError(accepts, `some shells set ${name} by themselves; unset it, or write ${name}=127.0.0.1`);
  });
}

/** A Kafka listener's security protocol may stand in front of a broker; of these only the first needs nothing else. */
const PLAIN_SCHEMES = new Set(['plaintext', 'kafka', 'tcp']);
const SECURED_SCHEMES = new Set(['ssl', 'sasl_ssl', 'sasl_plaintext']);

/** Comma-separated brokers, `host` or `host:port`; doubles and blank ones are left out. */
export function brokerList(
  name: string,
  options: Description & { readonly default: readonly string[] },
): Variable<readonly string[]> {
  const accepts = 'comma-separated brokers, each host or host:port';
  return variable(name, options, accepts, options.default, (text) => {
    const parts = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    if (parts.length === 0) throw new InvalidValueError(accepts);
    return [...new Set(parts.map((part) => parseBroker(part, name, accepts)))];
  });
}

function parseBroker(text: string, name: string, accepts: string): string {
  const { scheme = 'plaintext', host, port } = addressParts(text);
  if (SECURED_SCHEMES.has(scheme)) {
    throw new InvalidValueError(accepts, `${scheme.toUpperCase()} is not supported here: name a PLAINTEXT listener`);
  }
  const broker = port === undefined ? host : `${host}:${port}`;
  if (host.includes(':') && isHost(host)) {
    throw new InvalidValueError(accepts, `an IPv6 address is not understood by kafkajs: give "${host}" a host name`);
  }
  if (/[\s;]/.test(text)) {
    throw new InvalidValueError(
      accepts,
      `write ${name}=${text
        .split(/[\s;]+/)
        .filter((part) => part !== '')
        .join(',')}`,
    );
  }
  const known = PLAIN_SCHEMES.has(scheme) && isHost(host) && (port === undefined || parsePort(port) !== undefined);
  if (!known || /[/@?#]/.test(text.replace('://', ''))) {
    const advice =
      isHost(host) && (port === undefined || parsePort(port) !== undefined) ? `write ${name}=${broker}` : undefined;
    throw new InvalidValueError(accepts, advice);
  }
  return broker;
}
