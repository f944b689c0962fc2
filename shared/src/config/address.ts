import { isIP, isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** A part of an address, taken apart as far as it can be understood. */
export interface AddressParts {
  /** In small letters, without `://`. */
  readonly scheme: string | undefined;
  readonly host: string;
  /** As it is written, which may be no number. */
  readonly port: string | undefined;
}

/** Takes `scheme://user:password@host:port/path` apart; only the host has to be there. IPv6 with a port needs its brackets. */
export function addressParts(text: string): AddressParts {
  const [, scheme, rest = ''] = /^(?:([a-z][a-z0-9+_.-]*):\/\/)?(.*)$/is.exec(text) ?? [];
  const authority = rest.replace(/[/?#].*$/s, '').replace(/^.*@/s, '');
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(authority);
  const plain = bracketed ?? (isIPv6(authority) ? [authority, authority] : /^([^:]*)(?::(.*))?$/s.exec(authority));
  return { scheme: scheme?.toLowerCase(), host: plain?.[1] ?? authority, port: plain?.[2] };
}

/** Whether a resolver or a socket can take it: an IP address, or labels of letters, digits, "-" and "_". */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  // domainToASCII, as the URL standard has it, leaves line breaks and tabs out.
  if (/\s/.test(text)) return false;
  const ascii = domainToASCII(text.replaceAll('_', '-'));
  const labels = ascii.replace(/\.$/, '').split('.');
  const wellFormed =
    ascii !== '' && ascii.length <= 253 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  // What ends in a number is an IPv4 address (URL standard): 10.0.0.256 is none, and 12345 would be 0.0.48.57.
  return wellFormed && !isIPv4(ascii);
}

/** A port of a server: 1 to 65535; undefined where the text is none. */
export function parsePort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
}

/**
 * Kubernetes (and Docker's links before it) sets `REDIS_PORT=tcp://10.0.0.1:6379` by itself in every container beside a
 * Service of that name.
 * @returns the port, or undefined where the text is no such link
 */
export function serviceLinkPort(text: string): number | undefined {
  const port = /^(?:tcp|udp):\/\/[^/]+:(\d+)$/i.exec(text)?.[1];
  return port === undefined ? undefined : parsePort(port);
}
