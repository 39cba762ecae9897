import Foundation
import Testing

@testable import S3Client

/// The pure parts between a key and its bytes on the wire: encoding, addresses, XML, dates.
struct S3WireTests {
    @Test(arguments: [
        ("plain-key_1.csv~", "plain-key_1.csv~"), ("a b", "a%20b"), ("a+b", "a%2Bb"), ("a=b&c", "a%3Db%26c"),
        ("a%20b", "a%2520b"), ("é", "%C3%A9"), ("日本", "%E6%97%A5%E6%9C%AC"), ("🚀", "%F0%9F%9A%80"),
        ("x//y/../z", "x//y/../z"), ("(*!')", "%28%2A%21%27%29"), ("#?;:@$,", "%23%3F%3B%3A%40%24%2C"),
        ("\u{1}\u{7F}", "%01%7F"), ("", ""),
    ])
    func `a key is encoded once, byte by byte`(key: String, encoded: String) {
        #expect(S3URI.encode(key, keepingSlash: true) == encoded)
        #expect(S3URI.decodeListed(encoded) == key)
    }

    @Test func `a slash in a query is encoded`() {
        #expect(S3URI.encode("a/b", keepingSlash: false) == "a%2Fb")
    }

    @Test(arguments: ["%", "%2", "%zz", "%FF"])
    func `a broken escape in a listing is not guessed at`(text: String) {
        #expect(S3URI.decodeListed(text) == nil)
    }

    @Test func `a listing's plus is a blank`() {
        #expect(S3URI.decodeListed("a+b%2Bc") == "a b+c")
    }

    @Test(arguments: [
        (nil, "bucket", S3Addressing.automatic, "https://bucket.s3.eu-west-1.amazonaws.com", "/k"),
        (nil, "my.bucket", .automatic, "https://s3.eu-west-1.amazonaws.com", "/my.bucket/k"),
        (nil, "bucket", .path, "https://s3.eu-west-1.amazonaws.com", "/bucket/k"),
        ("http://127.0.0.1:9000", "bucket", .automatic, "http://127.0.0.1:9000", "/bucket/k"),
        ("http://127.0.0.1:9000/", "bucket", .path, "http://127.0.0.1:9000", "/bucket/k"),
        ("https://s3.example.com:443/base/", "bucket", .automatic, "https://s3.example.com", "/base/bucket/k"),
        ("https://s3.example.com", "bucket", .virtualHost, "https://bucket.s3.example.com", "/k"),
        ("http://[::1]:9000", "bucket", .automatic, "http://[::1]:9000", "/bucket/k"),
    ])
    func `addressing puts the bucket where the server looks for it`(
        endpoint: String?, bucket: String, addressing: S3Addressing, place: String, path: String
    ) throws {
        let address = try S3Address(
            S3Configuration(
                region: "eu-west-1", bucket: bucket, endpoint: endpoint.flatMap(URL.init(string:)),
                addressing: addressing))
        #expect(address.place == place)
        #expect(address.path(key: "k") == path)
    }

    @Test func `China has its own domain`() throws {
        let address = try S3Address(S3Configuration(region: "cn-north-1", bucket: "bucket"))
        #expect(address.place == "https://bucket.s3.cn-north-1.amazonaws.com.cn")
    }

    @Test(arguments: [
        ("", "us-east-1", nil, "S3_BUCKET_NAME"), ("s3://bucket", "us-east-1", nil, "S3_BUCKET_NAME"),
        ("bucket", "", nil, "AWS_REGION"), ("bucket", "us-east-1", "localhost", "AWS_ENDPOINT_URL_S3"),
        ("bucket", "us-east-1", "ftp://host", "AWS_ENDPOINT_URL_S3"),
        ("bucket", "us-east-1", "https://canaryuser:canary@host", "AWS_ENDPOINT_URL_S3"),
    ])
    func `a wrong setting is refused by its variable's name`(
        bucket: String, region: String, endpoint: String?, variable: String
    ) throws {
        let configuration = S3Configuration(
            region: region, bucket: bucket, endpoint: endpoint.flatMap(URL.init(string:)))
        let error = try #require(throws: S3Error.self) { try S3Address(configuration) }
        #expect(error.code == .badConfiguration)
        #expect(error.fix.contains(variable))
        #expect(!"\(error)".contains("canary"))
    }

    @Test func `XML is read with entities, sections, comments and prefixes`() throws {
        let text = """
            <?xml version="1.0"?><!-- c --><s3:List xmlns:s3="x" a='>'><Key>a&amp;b&#13;&#x1F680;</Key><Empty/>\
            <Key><![CDATA[<raw>]]> &lt;</Key><Deep><Er>é</Er></Deep></s3:List>
            """
        let root = try #require(S3XMLElement.parse(Array(text.utf8)))
        #expect(root.name == "List")
        #expect(root.all("Key").map(\.text) == ["a&b\r🚀", "<raw> <"])
        #expect(root.all("Deep").first?["Er"] == "é")
        #expect(root["Empty"] == "")
        #expect(root["Missing"] == nil)
    }

    @Test(arguments: [
        "", "no xml", "<a>", "<a><b></a></b>", "<a></a><b></b>", "<a>&unknown;</a>", "<a>&amp</a>", "<a b></a>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a><!-- </a>", "<a", "<a></a", "<html><br></html>",
    ])
    func `what is not one whole element is no document`(text: String) {
        #expect(S3XMLElement.parse(Array(text.utf8)) == nil)
    }

    @Test func `a flood of open tags ends without a crash`() {
        #expect(S3XMLElement.parse(Array(String(repeating: "<a>", count: 100_000).utf8)) == nil)
    }

    @Test(arguments: ["a&b<c>\"'", "line\r\nend\ttab", "é🚀", "]]>"])
    func `escaped text survives its own parser`(text: String) throws {
        let document = "<K>\(S3XMLElement.escape(text))</K>"
        #expect(S3XMLElement.parse(Array(document.utf8))?.text == text)
    }

    @Test func `a page of a listing is decoded`() throws {
        let text = """
            <ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
            <NextContinuationToken>t/1=</NextContinuationToken><Contents><Key>a%20b%2B%01</Key><Size>5</Size>\
            <ETag>&quot;e&quot;</ETag><LastModified>2009-10-12T17:50:30.250Z</LastModified></Contents></ListBucketResult>
            """
        let document = try #require(S3XMLElement.parse(Array(text.utf8)))
        let page = try #require(S3ListPage(document))
        #expect(page.nextToken == "t/1=")
        let time = Date(timeIntervalSince1970: 1_255_369_830.25)
        #expect(page.objects == [S3ObjectInfo(key: "a b+\u{1}", size: 5, etag: "e", lastModified: time)])
    }

    @Test(arguments: [
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
    ])
    func `a listing with something missing is refused`(text: String) throws {
        let document = try #require(S3XMLElement.parse(Array(text.utf8)))
        #expect(S3ListPage(document) == nil)
    }

    @Test func `the three spellings of an instant agree`() {
        let date = Date(timeIntervalSince1970: 1_255_369_830)
        #expect(S3Timestamp.basicISO8601(date) == "20091012T175030Z")
        #expect(S3Timestamp.parseISO8601("2009-10-12T17:50:30Z") == date)
        #expect(S3Timestamp.parseISO8601("2009-10-12T17:50:30.000Z") == date)
        #expect(S3Timestamp.parseHTTPDate("Mon, 12 Oct 2009 17:50:30 GMT") == date)
        #expect(S3Timestamp.parseHTTPDate("yesterday") == nil)
        #expect(S3Timestamp.parseISO8601("2009-10-12") == nil)
    }
}
