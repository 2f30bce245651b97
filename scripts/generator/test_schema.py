# SPDX-License-Identifier: Apache-2.0
"""Schemas that the generator must refuse. Run: python3 -m unittest discover -s scripts -t scripts"""

import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = 'syntax = "proto2"; package wgm.v1; import "wgm/v1/options.proto";\n'
REQUEST = "message Q { optional string name = 1; optional uint32 size = 2; repeated E list = 3; }\n"
REST = REQUEST + "message E { optional string name = 1; } message R {}\n"
SUMMARY = 'option (summary) = "Do it.";'


def refusal(text):
    """What the plugin says to a schema of one file; empty when it accepts it."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "in", "wgm", "v1")
        source.mkdir(parents=True)
        (source / "sample.proto").write_text(HEAD + text)
        (source / "options.proto").write_text((ROOT / "proto/wgm/v1/options.proto").read_text())
        out = pathlib.Path(folder, "out")
        out.mkdir()
        command = ["protoc", "-I", folder + "/in", f"--plugin=protoc-gen-wgm={ROOT}/scripts/protoc-gen-wgm"]
        command += [f"--wgm_out={out}", "wgm/v1/sample.proto"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def service(options):
    return REST + "service S { rpc Do(Q) returns (R) { " + options + SUMMARY + " } }"


def permission(resource):
    return service(f'option (permission) = {{ verb: "get" resource: "{resource}" }};')


class Refusals(unittest.TestCase):
    def test_sound_methods_are_accepted(self):
        self.assertEqual(refusal(permission("node/{node}/thing/{name}")), "")
        self.assertEqual(refusal(permission("thing/{list.name}/*")), "")
        self.assertEqual(refusal(service("option (anonymous) = true;")), "")

    def test_a_method_has_exactly_one_access_rule(self):
        for options in (
            "",
            "option (anonymous) = false;",
            "option (anonymous) = true; option (authenticated) = true;",
            'option (permission) = { verb: "get" resource: "a" }; option (anonymous) = true;',
        ):
            self.assertIn("exactly one", refusal(service(options)), options)

    def test_a_template_names_strings_of_the_request(self):
        self.assertIn("no such field", refusal(permission("thing/{nam}")))
        self.assertIn("no such field", refusal(permission("thing/{list.nam}")))
        self.assertIn("not a string", refusal(permission("thing/{size}")))
        self.assertIn("not a string", refusal(permission("thing/{list}")))
        self.assertIn("not a repeated message", refusal(permission("thing/{name.name}")))
        self.assertIn("more than one repeated", refusal(permission("{list.name}/{list.name}")))
        for resource in ("thing/{name", "thing/a{name}", "thing//x", "/thing", "thing/**"):
            self.assertIn("wgm.v1.S/Do", refusal(permission(resource)), resource)

    def test_permission_needs_both_halves_and_a_method_a_summary(self):
        self.assertIn("verb", refusal(service('option (permission) = { resource: "a" };')))
        self.assertIn("resource", refusal(service('option (permission) = { verb: "get" };')))
        text = REST + "service S { rpc Do(Q) returns (R) { option (anonymous) = true; } }"
        self.assertIn("summary", refusal(text))

    def test_what_protobuf_c_cannot_read_safely(self):
        self.assertIn("recursive", refusal("message A { optional B b = 1; } message B { repeated A a = 1; }"))
        self.assertIn("required", refusal("message A { required string a = 1; }"))
        self.assertIn("default", refusal('message A { optional string a = 1 [default = "x"]; }'))
        self.assertIn("type", refusal("message A { optional float a = 1; }"))
        self.assertIn("oneofs", refusal("message A { oneof x { string a = 1; string b = 2; } }"))
        self.assertIn("maps", refusal("message A { map<string, string> a = 1; }"))
        self.assertIn("nested", refusal("message A { message B {} }"))
        fields = "".join(f"optional bool f{number} = {number};" for number in range(1, 66))
        self.assertIn("64 fields", refusal("message A {" + fields + "}"))
        chain = "".join(f"message M{n} {{ optional M{n + 1} m = 1; }}" for n in range(17)) + "message M17 {}"
        self.assertIn("deep", refusal(chain))

    def test_requests_are_not_shared(self):
        twice = "service S { rpc A(Q) returns (R) { %s } rpc B(Q) returns (R) { %s } }"
        anonymous = "option (anonymous) = true;" + SUMMARY
        self.assertIn("share", refusal(REST + twice % (anonymous, anonymous)))

    def test_streams_may_stand_on_both_sides(self):
        for signature in ("(stream Q) returns (R)", "(Q) returns (stream R)", "(stream Q) returns (stream R)"):
            self.assertEqual(refusal(service("option (anonymous) = true;").replace("(Q) returns (R)", signature)), "")

    def test_enum_values_carry_their_type(self):
        self.assertIn("must begin", refusal("enum Color { RED = 0; }"))


if __name__ == "__main__":
    unittest.main()
