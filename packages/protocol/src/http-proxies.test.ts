import { describe, expect, it } from "vitest";
import { proxyFor, readHttpProxies, shownProxy, withoutProxySecrets } from "./http-proxies.ts";

const proxy = "http://proxy.example:3128";
const all = { httpProxy: proxy, httpsProxy: "http://secure.example:3128", noProxy: "" };
const except = (noProxy: string) => ({ ...all, noProxy });

describe("readHttpProxies", () => {
  it.each(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])("reads %s", (name) => {
    expect(proxyFor("https://api.github.com", readHttpProxies({ [name]: proxy }))).toBe(proxy);
  });

  it("lets the lower-case name win, and the scheme's own name over ALL_PROXY", () => {
    const read = readHttpProxies({
      HTTP_PROXY: "http://upper:1",
      http_proxy: "http://lower:1",
      ALL_PROXY: "http://all:1",
    });
    expect(read).toEqual({ httpProxy: "http://lower:1", httpsProxy: "http://all:1", noProxy: "" });
  });

  it("takes an empty variable for an unset one", () => {
    expect(readHttpProxies({ http_proxy: "", HTTP_PROXY: proxy, no_proxy: "", NO_PROXY: "a.example" })).toEqual({
      httpProxy: proxy, httpsProxy: "", noProxy: "a.example",
    }); // prettier-ignore
  });

  it("completes an address without a scheme", () => {
    expect(readHttpProxies({ HTTP_PROXY: "proxy.example:3128" }).httpProxy).toBe(proxy);
  });

  it.each([
    ["http://proxy.example:80", "http://proxy.example:80"],
    ["http://proxy.example", "http://proxy.example:80"],
    ["https://ada@proxy.example/", "https://ada@proxy.example:443"],
    ["http://u:p%ss@proxy.example:3128", "http://u:p%25ss@proxy.example:3128"],
  ])("reads %s as %s", (written, read) => expect(readHttpProxies({ HTTPS_PROXY: written }).httpsProxy).toBe(read));

  it.each([
    ["http://ada:hunter2%FF@proxy.example", "is not UTF-8"],
    ["socks5://user:hunter2@proxy.example:1080", "names a SOCKS proxy"],
    ["ftp://user:hunter2@proxy.example", "is not the address of an HTTP proxy"],
    ["http://", "is not the address of an HTTP proxy"],
  ])("refuses %s without showing it", (written, sentence) => {
    const read = () => readHttpProxies({ HTTPS_PROXY: written });
    expect(read).toThrow(sentence);
    expect(read).not.toThrow("hunter2");
  });
});

describe("proxyFor", () => {
  it("chooses by the scheme of the target", () => {
    expect(proxyFor("http://github.example/", all)).toBe(proxy);
    expect(proxyFor("https://github.example/", all)).toBe("http://secure.example:3128");
    expect(proxyFor("https://github.example/", { ...all, httpsProxy: "" })).toBeNull();
  });

  it.each([
    "http://127.0.0.1:4100", "http://127.8.9.1", "http://localhost:4100", "http://demo.localhost", "http://[::1]:4100",
    "http://0.0.0.0:80", "http://[::ffff:127.0.0.1]/", "http://LOCALHOST./",
  ])("never sends loopback %s through a proxy", (url) => expect(proxyFor(url, all)).toBeNull()); // prettier-ignore

  it.each([
    ["*", "http://github.example"],
    ["github.example", "http://github.example"],
    ["other.example, .example", "http://github.example"],
    ["other.example *.example", "http://a.github.example"],
    ["example", "http://a.github.example:8080"],
    ["GitHub.Example:8080", "http://github.example:8080"],
    ["github.example:443", "https://github.example"],
    ["10.0.0.0/8", "http://10.1.2.3"],
    ["192.168.1.7", "http://192.168.1.7"],
    ["[fd00::7]:8080", "http://[fd00::7]:8080"],
    ["fd00::7", "http://[fd00::7]"],
  ])("lets NO_PROXY=%s except %s", (noProxy, url) => expect(proxyFor(url, except(noProxy))).toBeNull());

  it.each([
    ["hub.example", "http://github.example"],
    ["github.example:8080", "http://github.example"],
    ["10.0.0.0/8", "http://11.1.2.3"],
    ["10.0.0.0/8", "http://10.example"],
    [",", "http://github.example"],
  ])("lets NO_PROXY=%s not except %s", (noProxy, url) => expect(proxyFor(url, except(noProxy))).toBe(proxy));
});

it("shows a proxy without its password, and takes the password out of a text", () => {
  const secret = { ...all, httpProxy: "http://ada:p%40ss@proxy.example:3128" };
  expect(shownProxy(secret.httpProxy)).toBe(proxy);
  const text = `http://ada:p%40ss@proxy.example said no to p@ss and ${btoa("ada:p@ss")}`;
  expect(withoutProxySecrets(text, secret)).toBe("http://[secret]@proxy.example said no to [secret] and [secret]");
});

it.each([
  ["http://u:p%ss@proxy:1", "u:p%ss@proxy and p%ss", "[secret]@proxy and [secret]"],
  ["http://u:pa%FF@proxy:1", "u:pa%FF@proxy", "[secret]@proxy"],
  ["http://tok123@proxy:1", "http://tok123@proxy and tok123", "http://[secret]@proxy and [secret]"],
  ["http://tok%40123@proxy:1", "tok@123 and tok%40123", "[secret] and [secret]"],
  [
    "http://u:hunter22@proxy:1",
    "git@host, menu@shop and http://u:hunter22@proxy",
    "git@host, menu@shop and http://[secret]@proxy",
  ],
  ["http://git:hunter22@proxy:1", "git@github.example said no to hunter22", "git@github.example said no to [secret]"],
  ["http://u@proxy:1", "menu@shop, then http://u@proxy:1", "menu@shop, then http://[secret]@proxy:1"],
  ["http://ada:a@proxy:1", "a bad answer of http://ada:a@proxy", "a bad answer of http://[secret]@proxy"],
])("takes the secrets of %s out of a text", (httpProxy, text, clean) => {
  expect(withoutProxySecrets(text, { ...all, httpProxy })).toBe(clean);
});
