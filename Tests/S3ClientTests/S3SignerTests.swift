import Crypto
import Foundation
import Testing

@testable import S3Client

/// AWS's published vectors: the `aws4_testsuite`, and the four examples in S3's own description of Signature Version 4
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>).
struct S3SignerTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var method = "GET"
        var path = "/"
        var query: [S3QueryItem] = []
        var headers: [S3Header] = []
        var body = ""
        var signedHeaders: String
        var signature: String
    }

    static let suite = [
        Vector(
            testDescription: "get-vanilla", signedHeaders: "host;x-amz-date",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vector(
            testDescription: "get-vanilla-query-order-key-case",
            query: [S3QueryItem("Param2", "value2"), S3QueryItem("Param1", "value1")],
            signedHeaders: "host;x-amz-date",
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Vector(
            testDescription: "get-utf8", path: "/\u{1234}", signedHeaders: "host;x-amz-date",
            signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        Vector(
            testDescription: "get-vanilla-utf8-query", query: [S3QueryItem("\u{1234}", "bar")],
            signedHeaders: "host;x-amz-date",
            signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        Vector(
            testDescription: "get-space-unnormalized", path: "/example space/", signedHeaders: "host;x-amz-date",
            signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        Vector(
            testDescription: "get-slashes-unnormalized", path: "//example//", signedHeaders: "host;x-amz-date",
            signature: "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"),
        Vector(
            testDescription: "get-header-value-trim",
            headers: [S3Header("My-Header1", " value1"), S3Header("My-Header2", " \"a   b   c\"")],
            signedHeaders: "host;my-header1;my-header2;x-amz-date",
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        Vector(
            testDescription: "post-header-key-sort", method: "POST", headers: [S3Header("My-Header1", "value1")],
            signedHeaders: "host;my-header1;x-amz-date",
            signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
        Vector(
            testDescription: "post-vanilla", method: "POST", signedHeaders: "host;x-amz-date",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ]

    @Test(arguments: suite)
    func `the signer agrees with AWS's test suite`(vector: Vector) throws {
        let credentials = S3Credentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        let authorization = try #require(
            header(
                of: vector, host: "example.amazonaws.com", signer: S3Signer(region: "us-east-1", service: "service"),
                credentials: credentials, date: Date(timeIntervalSince1970: 1_440_938_160)))
        #expect(
            authorization
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + "SignedHeaders=\(vector.signedHeaders), Signature=\(vector.signature)")
    }

    static let examples = [
        Vector(
            testDescription: "GET Object with a range", path: "/test.txt", headers: [S3Header("Range", "bytes=0-9")],
            signedHeaders: "host;range;x-amz-content-sha256;x-amz-date",
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        Vector(
            testDescription: "PUT Object", method: "PUT", path: "/test$file.text",
            headers: [
                S3Header("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                S3Header("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            body: "Welcome to Amazon S3.",
            signedHeaders: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        Vector(
            testDescription: "GET Bucket Lifecycle", query: [S3QueryItem("lifecycle")],
            signedHeaders: "host;x-amz-content-sha256;x-amz-date",
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        Vector(
            testDescription: "GET Bucket (List Objects)",
            query: [S3QueryItem("prefix", "J"), S3QueryItem("max-keys", "2")],
            signedHeaders: "host;x-amz-content-sha256;x-amz-date",
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]

    @Test(arguments: examples)
    func `the signer agrees with the examples of S3's documentation`(vector: Vector) throws {
        let credentials = S3Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        let authorization = try #require(
            header(
                of: vector, host: "examplebucket.s3.amazonaws.com", signer: S3Signer(region: "us-east-1"),
                credentials: credentials, date: Date(timeIntervalSince1970: 1_369_353_600)))
        #expect(
            authorization
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                + "SignedHeaders=\(vector.signedHeaders), Signature=\(vector.signature)")
    }

    @Test func `a session token is sent and signed`() throws {
        let signed = S3Signer(region: "eu-west-1").sign(
            S3Signer.Input(
                method: "GET", path: "/", headers: [S3Header("host", "h")], payloadHash: SHA256.hash(data: Data())),
            credentials: S3Credentials(accessKeyID: "a", secretAccessKey: "b", sessionToken: "tok"), date: Date())
        #expect(signed.contains(S3Header("x-amz-security-token", "tok")))
        let authorization = try #require(signed.first { $0.name == "authorization" }).value
        #expect(authorization.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"))
    }

    @Test func `printing credentials shows no part of them`() {
        let credentials = S3Credentials(accessKeyID: "AKIACANARY", secretAccessKey: "canary", sessionToken: "canary")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped, "\([credentials])"] {
            #expect(!text.lowercased().contains("canary"))
            #expect(text.contains("***"))
        }
    }

    private func header(
        of vector: Vector, host: String, signer: S3Signer, credentials: S3Credentials, date: Date
    ) -> String? {
        let input = S3Signer.Input(
            method: vector.method, path: vector.path, query: vector.query,
            headers: [S3Header("Host", host)] + vector.headers, payloadHash: SHA256.hash(data: Data(vector.body.utf8)))
        return signer.sign(input, credentials: credentials, date: date).first { $0.name == "authorization" }?.value
    }
}
