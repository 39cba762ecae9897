import DestinationRedshift
import Operations
import Replication
import Testing

@testable import App

@Suite struct ConfigurationTests {
    private static let bucket = [
        "S3_BUCKET_NAME": "b", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
    ]

    private func read(_ variables: [String: String]) throws -> LoaderConfiguration {
        try LoaderConfiguration(environment: Environment(variables: variables))
    }

    @Test(
        arguments: [
            (nil, false, .insert), (nil, true, .copy), ("true", true, .copy), ("AUTO", true, .bySize),
            ("false", true, .insert), ("no", false, .insert),
        ] as [(String?, Bool, LoadPath)])
    func `rows go through a bucket where there is one, unless told otherwise`(
        setting: String?, hasBucket: Bool, path: LoadPath
    ) throws {
        var variables = hasBucket ? Self.bucket : [:]
        variables["COPY_VIA_S3"] = setting
        let configuration = try read(variables)
        #expect(configuration.loadPath == path)
        #expect((configuration.s3 != nil) == (path != .insert))
    }

    @Test func `a bucket that is not used needs no keys`() throws {
        #expect(try read(["COPY_VIA_S3": "false", "S3_BUCKET_NAME": "b"]).s3 == nil)
    }

    @Test(arguments: [
        (["COPY_VIA_S3": "true"], "COPY_VIA_S3=true needs a bucket"),
        (["COPY_VIA_S3": "auto"], "COPY_VIA_S3=auto needs a bucket"),
        (["COPY_VIA_S3": "maybe"], "COPY_VIA_S3 must be true, false or auto"),
        (["HASH_SALT": "short"], "HASH_SALT must have 16 characters"),
        (["READ_ONLY_USERS": "a, GROUP"], "READ_ONLY_USERS must be names"),
        (["READ_ONLY_USERS": "TEAM x"], "READ_ONLY_USERS must be names"),
        (["READ_ONLY_USER": "a b c"], "READ_ONLY_USER must be names"),
        (["AUTO_TRUNCATE_COLUMNS": "x"], "AUTO_TRUNCATE_COLUMNS must be true or false"),
        (["SOURCE_MAX_CONNECTIONS": "0"], "SOURCE_MAX_CONNECTIONS must be a whole number from 1 to 64"),
    ])
    func `a wrong value is told`(variables: [String: String], words: String) {
        let error = #expect(throws: OperationError.self) { try read(variables) }
        #expect(error?.code == .configuration && error?.why.contains(words) == true, "\(String(describing: error))")
    }

    @Test func `readers are users, groups and roles, under either name of the variable`() throws {
        let expected = [
            ReadOnlyGrantee(kind: .user, name: "ana"), ReadOnlyGrantee(kind: .group, name: "Analysts"),
            ReadOnlyGrantee(kind: .role, name: "reader"),
        ]
        let text = "ana, GROUP Analysts ,role \"reader\",ana"
        #expect(try read(["READ_ONLY_USERS": text]).readOnlyUsers == expected)
        #expect(try read(["READ_ONLY_USER": text]).readOnlyUsers == expected)
        #expect(try read(["READ_ONLY_USERS": "bob", "READ_ONLY_USER": text]).readOnlyUsers.map(\.name) == ["bob"])
        #expect(try read([:]).readOnlyUsers.isEmpty)
    }

    @Test func `defaults are the documented ones`() throws {
        let configuration = try read([:])
        #expect(!configuration.autoTruncateColumns && configuration.hashSalt == nil)
        #expect(configuration.sourceMaxConnections == 2 && configuration.chunkSize == 10_000)
    }
}

@Suite struct SettingTextTests {
    @Test func `a setting is a value, or back to its default`() throws {
        func read(_ text: String?) throws -> SettingChange<Int>? {
            try SettingText.setting(text, "--row-limit", example: "5") { Int($0) }
        }
        #expect(try read(nil) == nil)
        #expect(try read("7") == .value(7))
        for text in ["none", "default", "None"] { #expect(try read(text) == .standard) }
        let error = #expect(throws: OperationError.self) { try read("many") }
        #expect(error?.code == .usage && error?.fix == "For example: --row-limit 5.")
    }

    @Test func `lists are split at commas, and words are one of few`() throws {
        #expect(SettingText.list(" a, b ,,c") == ["a", "b", "c"])
        #expect(SettingText.list(nil).isEmpty)
        #expect(try SettingText.choice("FAIL", "--on-bad-value") == BadValuePolicy.fail)
        #expect(throws: OperationError.self) {
            let _: RefreshMethod? = try SettingText.choice("never", "--refresh")
        }
    }
}
