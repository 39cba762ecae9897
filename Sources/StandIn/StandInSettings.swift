import Foundation

/// What the command line and the environment say.
struct StandInSettings: Sendable {
    /// The cluster's first user.
    static let owner = "standin"

    var dataFolder: String
    /// 0 picks a free one.
    var port: Int
    var slices: Int
    var password: String
    /// Armed from the start, as written.
    var faults: [(fault: Fault, text: String)]
    /// Table-level cycles of transactions are broken by 1023; SNAPSHOT otherwise.
    var isSerializable: Bool
    /// nil means AWS.
    var s3Endpoint: URL?
    var region: String
    /// The keys that an IAM role stands for.
    var roleKeys: (id: String, secret: String)?

    /// - Throws: `StandInError` when the password is missing, the endpoint is no URL or a fault cannot be read.
    init(
        dataFolder: String, port: Int, slices: Int, faults: [String] = [], isSerializable: Bool = false,
        environment: [String: String]
    ) throws {
        guard let password = environment["STANDIN_PASSWORD"], !password.isEmpty else {
            throw StandInError(
                "28000", "STANDIN_PASSWORD is not set", why: "The user \(Self.owner) needs a password.",
                fix: "Set it in the environment.")
        }
        self.dataFolder = dataFolder
        self.port = port
        self.slices = slices
        self.password = password
        self.isSerializable = isSerializable
        self.faults = try faults.map { (try FaultReader.read($0), $0) }
        region = environment["AWS_REGION"] ?? "us-east-1"
        if let text = environment["AWS_ENDPOINT_URL_S3"], !text.isEmpty {
            guard let url = URL(string: text), url.host != nil else {
                throw StandInError("22023", "AWS_ENDPOINT_URL_S3 is not a URL", fix: "Give scheme, host and port.")
            }
            s3Endpoint = url
        }
        if let id = environment["STANDIN_S3_ACCESS_KEY_ID"], let secret = environment["STANDIN_S3_SECRET_ACCESS_KEY"] {
            roleKeys = (id, secret)
        }
    }
}
