// ExplanationJSON: an explanation as members of a JSON object.

internal import Config
internal import Fields
internal import Masks
internal import Rules

/// Writes what `waxwing explain --json` prints, but for the sample.
internal enum ExplanationJSON {
    static func append(_ explanation: Explanation, to json: inout JSONObject) {
        json.add("topic", explanation.topic)
        json.add("principal", explanation.principal.description)
        if !explanation.principal.groups.isEmpty {
            json.add("groups", explanation.principal.groups)
        }
        if let rule = explanation.protectRule {
            json.object("protect") { append(explanation, rule, to: &$0) }
        }
        json.objects("read", explanation.readRules) { rule, object in
            object.add("file", explanation.file)
            object.add("line", Int64(explanation.readLine(rule)))
        }
        json.object("view") { view in
            append(explanation.whole, "whole", explanation, to: &view)
            append(explanation.rest, "rest", explanation, to: &view)
            view.objects("fields", explanation.sealing?.fields?.paths ?? []) { path, field in
                field.add("path", path.text)
                field.objects("shown", explanation.effects(ofSealed: path)) { effect, shown in
                    if let path = effect.path {
                        shown.add(effect.liesIn ? "within" : "where", path.text)
                    }
                    append(effect, explanation, to: &shown)
                }
            }
            let idle = explanation.idlePaths.map(\.text)
            if !idle.isEmpty { view.add("withoutEffect", idle) }
        }
    }

    private static func append(
        _ effect: Explanation.Effect, _ name: StaticString, _ explanation: Explanation,
        to json: inout JSONObject
    ) {
        json.object(name) { append(effect, explanation, to: &$0) }
    }

    private static func append(
        _ effect: Explanation.Effect, _ explanation: Explanation, to json: inout JSONObject
    ) {
        switch effect.showing {
        case .clear: json.add("show", "clear")
        case .sealed: json.add("show", "sealed")
        case .drop: json.add("show", "drop")
        case .mask(.redact): json.add("show", "redact")
        case .mask(let mask):
            json.add("show", "mask")
            json.add("mask", mask.kind)
        }
        if let rule = effect.rule { json.add("line", Int64(explanation.readLine(rule))) }
    }

    private static func append(
        _ explanation: Explanation, _ rule: Int, to json: inout JSONObject
    ) {
        let settings = explanation.configuration.rules.protect[rule]
        let sealing = settings.sealing
        json.add("file", explanation.file)
        json.add("line", Int64(explanation.configuration.protectPositions[rule].line))
        json.add("service", settings.service)
        switch explanation.protection?.key {
        case .fixed(let name): json.add("key", name)
        case .byHeader(let naming): json.add("keyHeader", naming.header)
        case nil: break
        }
        if let refusal = explanation.refusal { json.add("refused", refusal) }
        json.add("boundTopic", settings.sealedAs ?? explanation.topic)
        if let paths = sealing.fields?.paths { json.add("fields", paths.map(\.text)) }
        json.add("wrappedKey", "\(sealing.wrappedKey)")
        json.add("compress", "\(sealing.compression)")
        json.add("notJSON", "\(sealing.notJSON)")
        json.add("plain", "\(sealing.plainRecords)")
        json.add("unopenable", "\(sealing.unopenable)")
        json.add("dryRun", sealing.isDryRun)
    }
}
