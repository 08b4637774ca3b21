"""The sign-in provider (OpenID Connect, authorization code with PKCE): where to send a browser, whom the provider vouches for.

Its documents and keys are asked for each time: sign-ins are few, and a change at the provider holds at once.
"""

import hashlib
import secrets
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken, UserInfo
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import BaseModel

from api.logs import log
from api.settings import Settings, is_secure
from geodata.problems import Kind, Problem

NO_PROVIDER = Kind(
    "no_provider",
    "本系统没有设置统一登录。请用账号和密码登录。",
    "No sign-in provider is set here. Sign in with account and password.",
    "not_found",
)
PROVIDER_UNREACHABLE = Kind(
    "provider_unreachable",
    "“{provider}”没有应答，或应答不完整，暂时不能由它登录。请稍后再试，或改用账号和密码；若仍然如此，请告诉管理员。",
    "“{provider}” does not answer, or not as it should, and cannot sign you in now. Try again later, or use account and "
    "password; if it persists tell the administrator.",
    "unreachable",
)
PROVIDER_DECLINED = Kind(
    "provider_declined",
    "“{provider}”没有准许这次登录，或登录被取消。请重新登录，或改用账号和密码。",
    "“{provider}” did not allow this sign-in, or it was cancelled. Sign in again, or use account and password.",
    "unauthenticated",
)
NOT_SET_OUT = Kind(
    "sign_in_not_set_out",
    "这次登录不是在这个浏览器中发起的，或已超过 10 分钟。请从登录页重新登录。",
    "This sign-in was not begun in this browser, or more than 10 minutes ago. Begin again on the sign-in page.",
    "unauthenticated",
)
PROVIDER_NOT_BELIEVED = Kind(
    "provider_not_believed",
    "“{provider}”的答复不能证明您是谁，未予登录。请从登录页重新登录；若仍然如此，请告诉管理员。",
    "The answer of “{provider}” does not prove who you are; you were not signed in. Begin again on the sign-in page; if it "
    "persists tell the administrator.",
    "unauthenticated",
)
_TIMEOUT_S = 5
_LEEWAY_S = 60  # by which two clocks may differ
_SIGNED_WITH = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that only the provider can make: never none, never one by a shared secret."""


@dataclass(frozen=True)
class Way:
    """One way of a browser to the provider and back, known by a secret that the browser alone keeps, in a cookie.

    What ties the answer to this browser and to this way follows from the secret, so that any worker can check it, and nothing is
    kept here. The cookie is neither signed nor encrypted, for neither would add anything: whoever can alter a browser's cookies
    could put a whole way of their own into it, signed by us as well; and who reads it is that browser.
    """

    secret: str

    @classmethod
    def new(cls) -> "Way":
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        """By which the browser that comes back is the one that set out."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """By which an ID token is of this way."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """By which a code is of this way (PKCE)."""
        return self._derived("verifier")

    def came_back(self, state: str | None) -> bool:
        return secrets.compare_digest(self.state.encode(), (state or "").encode(errors="replace"))

    def _derived(self, what: str) -> str:
        return hashlib.sha256(f"{what}\n{self.secret}".encode(errors="replace")).hexdigest()


class _Discovered(BaseModel):
    """What the provider says of itself: https://openid.net/specs/openid-connect-discovery-1_0.html."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]

    def endpoints(self) -> list[str]:
        mandatory = [self.authorization_endpoint, self.token_endpoint, self.jwks_uri]
        return [*mandatory, self.userinfo_endpoint] if self.userinfo_endpoint else mandatory


class Provider:
    """The provider of these settings. Raises NO_PROVIDER where none is set."""

    def __init__(self, settings: Settings) -> None:
        if not settings.oidc_issuer:
            raise Problem(NO_PROVIDER)
        self._issuer = settings.oidc_issuer
        self._client = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._claim = settings.oidc_claim
        self.name = settings.oidc_name

    def address(self, way: Way, back_to: str) -> str:
        """Where a browser sets out to, and from where it is sent back to `back_to`. Raises PROVIDER_UNREACHABLE."""
        with self._http() as http:
            found = self._discover(http)
        return prepare_grant_uri(
            found.authorization_endpoint,
            self._client,
            "code",
            redirect_uri=back_to,
            scope=sorted({"openid"} | self._scopes()),
            state=way.state,
            nonce=way.nonce,
            code_challenge=create_s256_code_challenge(way.verifier),
            code_challenge_method="S256",
        )

    def vouched(self, way: Way, code: str, back_to: str) -> str:
        """The account's name of whoever came back with this code.

        Raises PROVIDER_UNREACHABLE, PROVIDER_NOT_BELIEVED.
        """
        with self._http() as http:
            found = self._discover(http)
            token = self._exchange(http, found, way, code, back_to)
            who = self._believed(http, found, token, way)
            name = who.get(self._claim)
            if name is None and found.userinfo_endpoint:
                name = self._more(http, found.userinfo_endpoint, token, str(who["sub"])).get(self._claim)
        if not isinstance(name, str) or not name.strip():
            raise self._not_believed(f"no claim {self._claim}")
        return name

    def _http(self) -> httpx.Client:
        # The authorities that this machine trusts, a government's own among them, not those that a package brings along.
        return httpx.Client(timeout=_TIMEOUT_S, verify=ssl.create_default_context())

    def _scopes(self) -> set[str]:
        """What has to be asked for to be told the claim, and nothing more."""
        known = UserInfo.SCOPES_CLAIMS_MAPPING.items()
        return {scope for scope, claims in known if self._claim in claims} or {"profile"}

    def _discover(self, http: httpx.Client) -> _Discovered:
        said = self._ask(http, "GET", get_well_known_url(self._issuer, external=True))
        try:
            found = _Discovered.model_validate(said)
        except ValueError as wrong:
            raise self._unreachable("discovery document") from wrong
        if found.issuer.rstrip("/") != self._issuer.rstrip("/"):
            raise self._unreachable("discovery document of another issuer")
        if not all(map(is_secure, found.endpoints())):
            raise self._unreachable("endpoint without TLS")
        return found

    def _exchange(self, http: httpx.Client, found: _Discovered, way: Way, code: str, back_to: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back_to,
            "code_verifier": way.verifier,
        }
        if "client_secret_basic" in found.token_endpoint_auth_methods_supported:
            # Both are encoded first: RFC 6749, 2.3.1.
            asking = httpx.BasicAuth(quote_plus(self._client), quote_plus(self._secret))
            return self._ask(http, "POST", found.token_endpoint, data=form, auth=asking)
        form |= {"client_id": self._client, "client_secret": self._secret}
        return self._ask(http, "POST", found.token_endpoint, data=form)

    def _believed(self, http: httpx.Client, found: _Discovered, token: dict[str, Any], way: Way) -> dict[str, Any]:
        """The claims of the ID token, verified: by whom, for whom, for which way, until when."""
        keys = self._ask(http, "GET", found.jwks_uri)
        try:
            # Headers that a provider adds of its own are no fault of the token.
            registry = JWSRegistry(algorithms=_SIGNED_WITH, strict_check_header=False)
            signed = jwt.decode(token["id_token"], KeySet.import_key_set(keys), registry=registry)  # type: ignore[arg-type]
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                {"iss": {"values": [found.issuer]}, "aud": {"values": [self._client]}},
                {"nonce": way.nonce, "client_id": self._client, "access_token": token.get("access_token")},
            )
            claims.validate(leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError, LookupError) as wrong:
            raise self._not_believed(f"ID token, {type(wrong).__name__} {getattr(wrong, 'claim', '')}") from wrong
        return claims

    def _more(self, http: httpx.Client, endpoint: str, token: dict[str, Any], subject: str) -> dict[str, Any]:
        """What the provider says besides of the same person."""
        said = self._ask(http, "GET", endpoint, headers={"Authorization": f"Bearer {token.get('access_token')}"})
        if said.get("sub") != subject:
            raise self._not_believed("userinfo of somebody else")
        return said

    def _ask(self, http: httpx.Client, method: str, address: str, **more: Any) -> dict[str, Any]:
        """The provider's answer. One that refuses says so by 4xx: of a code that was used, or is not ours."""
        try:
            answer = http.request(
                method, address, headers={"Accept": "application/json"} | more.pop("headers", {}), **more
            )
            said = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as wrong:
            raise self._unreachable(type(wrong).__name__) from wrong
        if method == "POST" and 400 <= answer.status_code < 500:
            raise self._not_believed(f"{answer.status_code} {said.get('error') if isinstance(said, dict) else ''}")
        if answer.status_code != 200 or not isinstance(said, dict):
            raise self._unreachable(f"answer {answer.status_code}")
        return said

    def _unreachable(self, why: str) -> Problem:
        log.warning("sign-in provider unreachable: %s", why)
        return Problem(PROVIDER_UNREACHABLE, provider=self.name)

    def _not_believed(self, why: str) -> Problem:
        log.warning("sign-in provider not believed: %s", why)
        return Problem(PROVIDER_NOT_BELIEVED, provider=self.name)
