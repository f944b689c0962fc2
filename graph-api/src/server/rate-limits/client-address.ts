import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** Bytes of an IPv6 address that stand for one caller: everyone has a /64, and its other bytes for free. */
const IPV6_PREFIX_BYTES = 8;

/**
 * The network that a request comes from, as one caller: an IPv4 address, or the /64 of an IPv6 address.
 * @param trustedProxies how many proxies in front add the address of their own client to `X-Forwarded-For`. What stands
 * before these entries anybody may have written.
 */
export function clientNetwork({ headers, socket }: IncomingMessage, trustedProxies: number): string {
  const remote = socket.remoteAddress ?? '';
  return networkOf(forwardedAddress(headers['x-forwarded-for'], trustedProxies)) ?? networkOf(remote) ?? remote;
}

function forwardedAddress(header: string | string[] | undefined, trustedProxies: number): string {
  if (header === undefined || trustedProxies === 0) return '';
  const addresses = header.toString().split(',');
  return addresses[Math.max(0, addresses.length - trustedProxies)]!.trim();
}

/** Undefined for what is no address. Some proxies write a port behind it, or brackets around it. */
function networkOf(text: string): string | undefined {
  const address = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  if (!ipaddr.isValid(address)) return undefined;
  // An IPv4 address inside an IPv6 one is taken out.
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return Buffer.from(parsed.toByteArray().slice(0, IPV6_PREFIX_BYTES)).toString('hex');
}
