// ApiDefinitionTests: the table of APIs, and its agreement with Kafka's definitions.

import Foundation
import KafkaWire
import Testing

struct ApiDefinitionTests {
    @Test func `every API stands at the index of its key`() {
        for (index, api) in ApiDefinition.all.enumerated() { #expect(Int(api.key) == index) }
        #expect(ApiDefinition.all.count == 95)
        #expect(ApiDefinition.find(95) == nil)
        #expect(ApiDefinition.find(-1) == nil)
    }

    @Test func `what brokers and controllers say to each other is denied`() {
        let denied = ApiDefinition.all.filter { $0.policy == .deny }.map(\.key)
        let expected =
            [4, 5, 6, 7, 27, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73] + Array(80...87)
            + [93, 94]
        #expect(denied == expected.map(Int16.init))
        for api in ApiDefinition.all where api.listeners == [.controller] {
            #expect(api.policy == .deny, "\(api.name)")
        }
    }

    @Test func `versions reach from 3.9's lowest to 4.3's highest stable one`() {
        func versions(_ key: Int16) -> ClosedRange<Int16>? { ApiDefinition.find(key)?.versions }
        #expect(versions(0) == 0...13)
        #expect(versions(1) == 0...18)
        #expect(versions(3) == 0...13)
        #expect(versions(18) == 0...4)
        #expect(versions(19) == 0...7)
        #expect(versions(22) == 0...5)
        #expect(versions(28) == 0...5)
        #expect(versions(78) == 1...2)
    }

    @Test func `only known versions of relayed APIs may pass`() {
        #expect(ApiDefinition.mayRelay(0, version: 13))
        #expect(!ApiDefinition.mayRelay(0, version: 14))
        #expect(!ApiDefinition.mayRelay(0, version: -1))
        #expect(!ApiDefinition.mayRelay(27, version: 1))
        #expect(!ApiDefinition.mayRelay(300, version: 0))
    }

    @Test(
        .enabled(
            if: Definitions.folder != nil,
            "Kafka's definitions are not at hand: set KAFKA_MESSAGES to their folder"))
    func `the table agrees with Kafka's definitions`() throws {
        let folder = try #require(Definitions.folder)
        var compared = 0
        for definition in try Definitions.load(folder) {
            let api = try #require(ApiDefinition.find(definition.key), "\(definition.name)")
            guard let versions = definition.versions else { continue }
            if definition.kind == .request {
                #expect("\(api.name)Request" == definition.name)
                #expect(api.versions.lowerBound <= versions.lowerBound, "\(definition.name)")
                let isCapped = definition.isLastUnstable || api.key == ApiKey.apiVersions
                let highest = versions.upperBound - (definition.isLastUnstable ? 1 : 0)
                #expect(
                    api.versions.upperBound == highest
                        || (isCapped && api.versions.upperBound < highest),
                    "\(definition.name)")
                #expect(api.requestFlexibleFrom == definition.flexibleFrom, "\(definition.name)")
            } else {
                #expect(api.responseFlexibleFrom == definition.flexibleFrom, "\(definition.name)")
            }
            compared += 1
        }
        #expect(compared > 150)
    }
}

/// Kafka's own definitions, as far as the table of APIs has their facts.
private struct Definitions {
    let name: String
    let key: Int16
    let kind: MessageKind
    let versions: ClosedRange<Int16>?
    let flexibleFrom: Int16
    let isLastUnstable: Bool

    /// The folder that $KAFKA_MESSAGES names, or the one beside the checkout.
    static let folder: URL? = {
        let named = ProcessInfo.processInfo.environment["KAFKA_MESSAGES"]
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let folder =
            named.map { URL(fileURLWithPath: $0) }
            ?? root.appendingPathComponent("shared/kafka-messages")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    static func load(_ folder: URL) throws -> [Definitions] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .filter { $0.hasSuffix("Request.json") || $0.hasSuffix("Response.json") }
            .map { try read(folder.appendingPathComponent($0)) }
    }

    /// The files are JSON with comments, which stand on lines of their own.
    private static func read(_ file: URL) throws -> Definitions {
        let text = try String(contentsOf: file, encoding: .utf8)
        let lines = text.split(separator: "\n").filter {
            !$0.drop { $0 == " " }.hasPrefix("//")
        }
        let json = try JSONSerialization.jsonObject(
            with: Foundation.Data(lines.joined(separator: "\n").utf8))
        let top = try #require(json as? [String: Any])
        let flexible = top["flexibleVersions"] as? String ?? "none"
        let key = try #require(top["apiKey"] as? Int)
        return Definitions(
            name: try #require(top["name"] as? String), key: Int16(key),
            kind: top["type"] as? String == "request" ? .request : .response,
            versions: range(top["validVersions"] as? String ?? "none"),
            flexibleFrom: Int16(flexible.dropLast()) ?? Int16.max,
            isLastUnstable: top["latestVersionUnstable"] as? Bool ?? false)
    }

    private static func range(_ text: String) -> ClosedRange<Int16>? {
        let ends = text.split(separator: "-").compactMap { Int16($0) }
        guard let low = ends.first, let high = ends.last else { return nil }
        return low...high
    }
}
