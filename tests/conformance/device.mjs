// A device as the vendor's SDKs are one: a P-256 key that never leaves it, and the calls of the protocol.
import { webcrypto } from "node:crypto";

const { subtle } = webcrypto;
const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const base64url = (bytes) => Buffer.from(bytes).toString("base64url");
const basic = (password) => `Basic ${base64(`token:${password}`)}`;

/** WebCrypto signs as R and S side by side; a registration is signed in DER. */
function der(signature) {
  const integer = (bytes) => {
    const start = bytes.findIndex((byte) => byte !== 0);
    const digits = [...bytes.slice(start === -1 ? bytes.length - 1 : start)];
    if (digits[0] & 0x80) digits.unshift(0);
    return [2, digits.length, ...digits];
  };
  const content = [...integer(signature.slice(0, 32)), ...integer(signature.slice(32))];
  return Uint8Array.from([0x30, content.length, ...content]);
}

export class Device {
  /** `host` is where the provider is reached. */
  static async make(host) {
    const device = new Device();
    device.host = host;
    device.keys = await subtle.generateKey(ES256, false, ["sign", "verify"]);
    return device;
  }

  async sign(text) {
    return new Uint8Array(await subtle.sign(ES256, this.keys.privateKey, Buffer.from(text)));
  }

  async jwt(header, payload) {
    const signed = [header, payload].map((part) => base64url(JSON.stringify(part))).join(".");
    return `${signed}.${base64url(await this.sign(signed))}`;
  }

  async call(method, path, password, fields) {
    const response = await fetch(`${this.host}/v2${path}`, {
      method,
      headers: { Authorization: basic(password), "User-Agent": "VerifySDK" },
      body: fields && new URLSearchParams(fields),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
  }

  /** The device's own token. */
  token(now = Date.now()) {
    const seconds = Math.floor(now / 1000);
    const header = { cty: "twilio-pba;v=1", kid: this.credential, typ: "JWT", alg: "ES256" };
    return this.jwt(header, { sub: this.account, exp: seconds + 600, nbf: seconds });
  }

  /** Creates the factor with an access token; it is not verified yet. */
  async create({ token, serviceSid, identity, name = "Ada's phone" }) {
    this.entity = `/Services/${serviceSid}/Entities/${identity}`;
    const created = await this.call("POST", `${this.entity}/Factors`, token, {
      FriendlyName: name,
      FactorType: "push",
      "Binding.PublicKey": base64(await subtle.exportKey("spki", this.keys.publicKey)),
      "Binding.Alg": "ES256",
      "Config.SdkVersion": "1.0.0",
      "Config.AppId": "com.example.app",
      "Config.NotificationPlatform": "none",
    });
    if (created.status === 201) {
      this.factor = created.body.sid;
      this.account = created.body.account_sid;
      this.credential = created.body.config.credential_sid;
    }
    return created;
  }

  /** The proof that the key is there. */
  async verify(factor = this.factor) {
    const proof = base64(der(await this.sign(factor)));
    return this.call("POST", `${this.entity}/Factors/${this.factor}`, await this.token(), { AuthPayload: proof });
  }

  async register(access) {
    await this.create(access);
    return this.verify();
  }

  async pending() {
    const query = `FactorSid=${this.factor}&PageSize=20&Order=asc&Status=pending`;
    return (await this.call("GET", `${this.entity}/Challenges?${query}`, await this.token())).body.challenges;
  }

  async read(challenge) {
    return this.call("GET", `${this.entity}/Challenges/${challenge}`, await this.token());
  }

  /** The signed answer to a challenge as it was read. */
  async payload({ body, headers }, status) {
    const names = headers.get("twilio-verify-signature-fields").split(",");
    const signed = Object.fromEntries(names.map((name) => [name, body[name]]));
    return this.jwt({ typ: "JWT", alg: "ES256" }, { ...signed, status });
  }

  async answer(challenge, status) {
    const AuthPayload = await this.payload(await this.read(challenge), status);
    return this.call("POST", `${this.entity}/Challenges/${challenge}`, await this.token(), { AuthPayload });
  }
}
