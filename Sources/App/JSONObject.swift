// JSONObject: JSON that the commands print, written member by member.

internal import Bytes
internal import JSON

/// Writes one object; `end` closes it.
internal struct JSONObject {
    private let output: ByteBuffer
    private var isFirst = true

    init(_ output: ByteBuffer) {
        self.output = output
        output.append("{")
    }

    mutating func name(_ name: StaticString) {
        output.append(isFirst ? "\"\(name)\":" : ",\"\(name)\":")
        isFirst = false
    }

    mutating func add(_ name: StaticString, _ number: Int64) {
        self.name(name)
        output.append(String(number))
    }

    mutating func add(_ name: StaticString, _ truth: Bool) {
        self.name(name)
        output.append(truth ? "true" : "false")
    }

    mutating func add(_ name: StaticString, _ text: String) {
        self.name(name)
        JSONWriter.append(string: text, to: output)
    }

    mutating func add(_ name: StaticString, _ texts: [String]) {
        list(name, texts) { text, output in JSONWriter.append(string: text, to: output) }
    }

    mutating func object(_ name: StaticString, _ body: (inout JSONObject) -> Void) {
        self.name(name)
        var object = JSONObject(output)
        body(&object)
        object.end()
    }

    mutating func objects<Item>(
        _ name: StaticString, _ items: [Item], _ body: (Item, inout JSONObject) -> Void
    ) {
        list(name, items) { item, output in
            var object = JSONObject(output)
            body(item, &object)
            object.end()
        }
    }

    private mutating func list<Item>(
        _ name: StaticString, _ items: [Item], _ body: (Item, ByteBuffer) -> Void
    ) {
        self.name(name)
        output.append("[")
        for (place, item) in items.enumerated() {
            if place > 0 { output.append(",") }
            body(item, output)
        }
        output.append("]")
    }

    func end() { output.append("}") }
}
