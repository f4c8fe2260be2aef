# pysaml2 (which asks xmlsec1) on the other side of SAML: as the identity provider
# of a company, and as a token endpoint that trades in assertions (RFC 7522).
#
#   saml.py idp PORT FOLDER                  keeps its metadata in FOLDER/idp.xml, a service's key
#                                            in FOLDER/service.key and .crt; prints `ready URL`
#   saml.py token PORT CERT ISSUER AUDIENCE  prints `ready URL`, then a line of JSON for each assertion
#
# The endpoint grants more than was asked for after `lie=overgrant` was posted to
# /lie, and says at /introspect whose a token of its is (RFC 7662). The provider fetches a service's metadata at {entityID}/login/corp/metadata; two
# buttons on its page post a lie: `stale` what it said before, `unsigned` what only
# the answer around it is signed for.
import base64
import datetime
import html
import json
import sys
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig, SPConfig
from saml2.metadata import entity_descriptor
from saml2.response import for_me
from saml2.s_utils import decode_base64_and_inflate
from saml2.saml import NAMEID_FORMAT_PERSISTENT, SCM_BEARER, NameID, assertion_from_string
from saml2.samlp import authn_request_from_string
from saml2.server import Server
from saml2.sigver import security_context
from saml2.validate import valid_instance, validate_before, validate_on_or_after
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

XMLSEC = '/usr/bin/xmlsec1'
PEOPLE = {
    'ada': {'groups': ['dev', 'ops'], 'mail': ['ada@corp.example']},
    'bob': {'groups': ['sales'], 'mail': ['bob@corp.example']},
}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, body, kind='text/html; charset=utf-8', status=200):
        body = body.encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def form(self):
        raw = self.rfile.read(int(self.headers.get('Content-Length', 0))).decode()
        return dict(urllib.parse.parse_qsl(raw))


def serve(port, handler):
    server = ThreadingHTTPServer(('127.0.0.1', port), handler)
    print(f'ready http://127.0.0.1:{port}', flush=True)
    server.serve_forever()


# ------------------------------------------------------------- identity provider


def make_key(folder, who):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'idp')])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f'{who}.key').write_bytes(pem)
    (folder / f'{who}.crt').write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Provider:
    def __init__(self, port, folder):
        # Another site than `localhost`, where the house is: what it posts there comes without cookies.
        self.base = f'http://127.0.0.1:{port}'
        self.folder = folder
        self.last = None
        make_key(folder, 'idp')
        make_key(folder, 'service')
        config = IdPConfig().load(self.config())
        (folder / 'idp.xml').write_text(str(entity_descriptor(config)))

    def config(self, service=None):
        return {
            'entityid': f'{self.base}/metadata',
            'xmlsec_binary': XMLSEC,
            'key_file': str(self.folder / 'idp.key'),
            'cert_file': str(self.folder / 'idp.crt'),
            'metadata': {'inline': [service]} if service else {},
            'service': {'idp': {
                'want_authn_requests_signed': True,
                'endpoints': {'single_sign_on_service': [(f'{self.base}/sso', BINDING_HTTP_REDIRECT)]},
                'policy': {'default': {
                    'lifetime': {'minutes': 5},
                    'attribute_restrictions': None,
                    'name_form': 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
                }},
            }},
        }

    def server_for(self, request):
        """The server that knows who asks, by the metadata that it serves itself."""
        issuer = authn_request_from_string(decode_base64_and_inflate(request)).issuer.text
        with urllib.request.urlopen(f'{issuer}/login/corp/metadata') as answer:
            return Server(config=IdPConfig().load(self.config(answer.read().decode())))

    def form(self, request, relay, person, lie, sigalg, signature):
        server = self.server_for(request)
        asked = server.parse_authn_request(
            request, BINDING_HTTP_REDIRECT, relay_state=relay, sigalg=sigalg, signature=signature
        )
        assert asked, 'the request does not parse'
        arguments = server.response_args(asked.message)
        signed = lie != 'unsigned'
        answer = server.create_authn_response(
            identity=PEOPLE[person],
            userid=person,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=f'p-{person}',
                           name_qualifier=f'{self.base}/metadata', sp_name_qualifier=arguments['sp_entity_id']),
            authn={'class_ref': 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password', 'authn_auth': self.base},
            sign_assertion=signed, sign_response=not signed,
            sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256,
            **{key: arguments[key] for key in ('in_response_to', 'destination', 'sp_entity_id')},
        )
        said = base64.b64encode(str(answer).encode()).decode()
        if lie == 'stale' and self.last:
            said = self.last
        self.last = said
        fields = {'SAMLResponse': said, 'RelayState': relay}
        inputs = ''.join(f'<input type="hidden" name="{key}" value={quoteattr(value)}>' for key, value in fields.items())
        return (f'<!doctype html><title>idp</title><form method="post" action="{html.escape(arguments["destination"])}">'
                f'{inputs}<button>Go on</button></form><script>document.forms[0].submit()</script>')


def login_page(query):
    kept = ''.join(
        f'<input type="hidden" name="{key}" value={quoteattr(query.get(key, ""))}>' for key in ('SAMLRequest', 'RelayState', 'SigAlg', 'Signature')
    )
    buttons = ''.join(f'<button name="lie" value="{lie}">{text}</button>'
                      for lie, text in [('', 'Sign in'), ('stale', 'Say it again'), ('unsigned', 'Sign around it')])
    return (f'<!doctype html><title>idp</title><h1>pysaml2</h1><form method="post" action="/sso">{kept}'
            f'<input name="login">{buttons}</form>')


def run_provider(port, folder):
    provider = Provider(port, folder)

    class Pages(Handler):
        def do_GET(self):
            path, _, query = self.path.partition('?')
            if path != '/sso':
                return self.answer('no such page', status=404)
            return self.answer(login_page(dict(urllib.parse.parse_qsl(query))))

        def do_POST(self):
            form = self.form()
            try:
                page = provider.form(form['SAMLRequest'], form['RelayState'], form['login'], form.get('lie', ''),
                                     form.get('SigAlg'), form.get('Signature'))
            except Exception as error:  # told to whoever reads the log of a failed run
                print(repr(error), file=sys.stderr, flush=True)
                return self.answer('refused', status=400)
            return self.answer(page)

    serve(port, Pages)


# ---------------------------------------------------------------- token endpoint


def metadata_of(issuer, certificate):
    """The metadata of an issuer of which only name and certificate are known."""
    body = ''.join(line for line in certificate.splitlines() if not line.startswith('---'))
    return (
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID={quoteattr(issuer)}><IDPSSODescriptor '
        'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo '
        f'xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{body}</X509Certificate></X509Data></KeyInfo>'
        '</KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        'Location="https://idp.example/sso"/></IDPSSODescriptor></EntityDescriptor>'
    )


class Judge:
    def __init__(self, port, certificate, issuer, audience):
        self.recipient = f'http://127.0.0.1:{port}/token'
        self.issuer, self.audience = issuer, audience
        config = SPConfig().load({
            'entityid': audience,
            'xmlsec_binary': XMLSEC,
            'metadata': {'inline': [metadata_of(issuer, certificate)]},
            'service': {'sp': {'endpoints': {'assertion_consumer_service': [(self.recipient, BINDING_HTTP_POST)]}}},
        })
        self.security = security_context(config)
        self.seen = set()
        self.given = {}
        self.lie = None

    def judge(self, parameter):
        if '=' in parameter or '+' in parameter or '/' in parameter:
            raise ValueError('RFC 7522 asks for base64url without padding')
        xml = base64.urlsafe_b64decode(parameter + '=' * (-len(parameter) % 4)).decode()
        said = assertion_from_string(xml)
        valid_instance(said)
        name = 'urn:oasis:names:tc:SAML:2.0:assertion:Assertion'
        if not self.security.check_signature(said, name, xml, must=True, issuer=self.issuer):
            raise ValueError('the signature does not hold')
        if said.issuer.text != self.issuer or not for_me(said.conditions, self.audience):
            raise ValueError('of another issuer or for another audience')
        validate_on_or_after(said.conditions.not_on_or_after, 5)
        validate_before(said.conditions.not_before, 5)
        [confirmation] = said.subject.subject_confirmation
        data = confirmation.subject_confirmation_data
        if confirmation.method != SCM_BEARER or data.recipient != self.recipient:
            raise ValueError('to be delivered elsewhere')
        validate_on_or_after(data.not_on_or_after, 5)
        if said.id in self.seen:
            raise ValueError('used before')
        self.seen.add(said.id)
        attributes = {
            attribute.name: [value.text for value in attribute.attribute_value]
            for statement in said.attribute_statement for attribute in statement.attribute
        }
        return {'subject': said.subject.name_id.text, 'attributes': attributes}


def run_token(port, certificate, issuer, audience):
    judge = Judge(port, certificate, issuer, audience)

    class Endpoint(Handler):
        def do_POST(self):
            form = self.form()
            if self.path == '/lie':
                judge.lie = form.get('lie')
                return self.answer('{}', 'application/json')
            if self.path == '/introspect':
                subject = judge.given.get(form.get('token'))
                return self.answer(json.dumps({'active': subject is not None, 'sub': subject}), 'application/json')
            try:
                assert form['grant_type'] == 'urn:ietf:params:oauth:grant-type:saml2-bearer', 'another grant type'
                said = judge.judge(form['assertion'])
            except Exception as error:  # pysaml2 refuses in many ways
                print(json.dumps({'refused': repr(error)}), flush=True)
                return self.answer(json.dumps({'error': 'invalid_grant', 'error_description': repr(error)}),
                                   'application/json', 400)
            token = {'access_token': f'erp-{len(judge.seen)}-{said["subject"]}', 'token_type': 'Bearer', 'expires_in': 300}
            if form.get('scope'):
                token['scope'] = form['scope']
            if judge.lie == 'overgrant':
                token['scope'] = f'{form.get("scope", "")} erp:admin'.strip()
            judge.given[token['access_token']] = said['subject']
            print(json.dumps({**said, 'assertion': form['assertion'], 'token': token['access_token']}), flush=True)
            return self.answer(json.dumps(token), 'application/json')

    serve(port, Endpoint)


if __name__ == '__main__':
    what, port, *rest = sys.argv[1:]
    if what == 'idp':
        run_provider(int(port), Path(rest[0]))
    else:
        run_token(int(port), Path(rest[0]).read_text(), rest[1], rest[2])
