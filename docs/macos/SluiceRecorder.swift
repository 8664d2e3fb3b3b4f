// SPDX-License-Identifier: GPL-2.0-or-later
// SluiceRecorder.swift - records what a content filter on macOS is asked and what it answers, as a trace that `sluice compare` reads
// (docs/ne-trace.md; how to use it: docs/macos.md).
//
// NOT COMPILED ON A MAC by its authors: written from public documentation of Network Extension. Where a compiler objects, it is right.
//
// Drop this file into the target of the data provider (a system extension on macOS), make one recorder, and let each callback end
// with the function of its name here:
//
//     let rec = SluiceRecorder(path: "/var/tmp/filter.jsonl")
//
//     override func handleNewFlow(_ flow: NEFilterFlow) -> NEFilterNewFlowVerdict {
//         return rec.newFlow(flow, rec.filterData(inbound: nil, outbound: .max))
//     }
//     override func handleOutboundData(from flow: NEFilterFlow, readBytesStartOffset offset: Int,
//                                      readBytes: Data) -> NEFilterDataVerdict {
//         return rec.outbound(flow, offset, readBytes, rec.pass(readBytes.count, peek: .max))
//     }
//
// Apple's verdict objects do not give their numbers back: make them with the makers below. A verdict that was made elsewhere is
// returned as it is by the functions with `unknown:`, and recorded without its content.

import Foundation
import NetworkExtension

final class SluiceRecorder {
    /// A verdict and what it says. `object` goes to the system.
    struct Verdict<Object> {
        let object: Object
        var fields: [String: Any]
    }
    typealias NewFlow = Verdict<NEFilterNewFlowVerdict>
    typealias DataVerdict = Verdict<NEFilterDataVerdict>

    private let file: FileHandle?
    private let lock = NSLock() // callbacks of several flows may come at once (NE-CB-10)
    private var seq = 0
    private let start = DispatchTime.now()

    /// A new file each time: an old one is replaced. Where it cannot be made nothing is recorded, and the filter goes on.
    init(path: String) {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        file = FileHandle(forWritingAtPath: path)
        let clock = ISO8601DateFormatter()
        clock.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        put(["format": "sluice-ne-trace", "version": 1, "writer": "SluiceRecorder", "profile": "macos",
             "started": clock.string(from: Date())])
    }

    // MARK: verdict makers

    func allow() -> NewFlow { NewFlow(object: .allow(), fields: ["kind": "allow"]) }
    func drop() -> NewFlow { NewFlow(object: .drop(), fields: ["kind": "drop"]) }
    func pause() -> NewFlow { NewFlow(object: .pause(), fields: ["kind": "pause"]) }

    /// nil: that direction passes unseen. Int.max is recorded as "max": NEFilterFlowBytesMax itself does not fit into an Int.
    func filterData(inbound: Int?, outbound: Int?) -> NewFlow {
        var fields: [String: Any] = ["kind": "filterDataVerdict", "filterInbound": inbound != nil,
                                     "filterOutbound": outbound != nil]
        if let peek = inbound { fields["peekInboundBytes"] = amount(peek) }
        if let peek = outbound { fields["peekOutboundBytes"] = amount(peek) }
        return NewFlow(object: .filterDataVerdict(withFilterInbound: inbound != nil, peekInboundBytes: inbound ?? 0,
                                                  filterOutbound: outbound != nil, peekOutboundBytes: outbound ?? 0),
                       fields: fields)
    }

    func allowData() -> DataVerdict { DataVerdict(object: .allow(), fields: ["kind": "allow"]) }
    func dropData() -> DataVerdict { DataVerdict(object: .drop(), fields: ["kind": "drop"]) }
    func pauseData() -> DataVerdict { DataVerdict(object: .pause(), fields: ["kind": "pause"]) }
    func pass(_ pass: Int, peek: Int) -> DataVerdict {
        DataVerdict(object: NEFilterDataVerdict(passBytes: pass, peekBytes: peek),
                    fields: ["kind": "passBytes", "passBytes": amount(pass), "peekBytes": amount(peek)])
    }

    /// Sets shouldReport, or the frequency of statistics, on the object and in the trace.
    func reported(_ verdict: NewFlow) -> NewFlow {
        verdict.object.shouldReport = true
        return NewFlow(object: verdict.object, fields: verdict.fields.merging(["shouldReport": true]) { _, new in new })
    }
    func statistics(_ verdict: NewFlow, _ frequency: NEFilterReport.Frequency) -> NewFlow {
        verdict.object.statisticsReportFrequency = frequency
        return NewFlow(object: verdict.object, fields: with(verdict.fields, frequency))
    }
    func statistics(_ verdict: DataVerdict, _ frequency: NEFilterReport.Frequency) -> DataVerdict {
        verdict.object.statisticsReportFrequency = frequency
        return DataVerdict(object: verdict.object, fields: with(verdict.fields, frequency))
    }

    // MARK: one function a callback

    func newFlow(_ flow: NEFilterFlow, _ verdict: NewFlow) -> NEFilterNewFlowVerdict {
        event("handleNewFlow", flow, about(flow).merging(["verdict": verdict.fields]) { _, new in new })
        return verdict.object
    }
    func newFlow(_ flow: NEFilterFlow, unknown verdict: NEFilterNewFlowVerdict) -> NEFilterNewFlowVerdict {
        event("handleNewFlow", flow, about(flow))
        return verdict
    }
    func inbound(_ flow: NEFilterFlow, _ offset: Int, _ bytes: Data, _ verdict: DataVerdict) -> NEFilterDataVerdict {
        data("handleInboundData", flow, offset, bytes, verdict.fields)
        return verdict.object
    }
    func inbound(_ flow: NEFilterFlow, _ offset: Int, _ bytes: Data,
                 unknown verdict: NEFilterDataVerdict) -> NEFilterDataVerdict {
        data("handleInboundData", flow, offset, bytes, nil)
        return verdict
    }
    func outbound(_ flow: NEFilterFlow, _ offset: Int, _ bytes: Data, _ verdict: DataVerdict) -> NEFilterDataVerdict {
        data("handleOutboundData", flow, offset, bytes, verdict.fields)
        return verdict.object
    }
    func outbound(_ flow: NEFilterFlow, _ offset: Int, _ bytes: Data,
                  unknown verdict: NEFilterDataVerdict) -> NEFilterDataVerdict {
        data("handleOutboundData", flow, offset, bytes, nil)
        return verdict
    }
    func inboundComplete(_ flow: NEFilterFlow, _ verdict: DataVerdict) -> NEFilterDataVerdict {
        event("handleInboundDataComplete", flow, ["verdict": verdict.fields])
        return verdict.object
    }
    func outboundComplete(_ flow: NEFilterFlow, _ verdict: DataVerdict) -> NEFilterDataVerdict {
        event("handleOutboundDataComplete", flow, ["verdict": verdict.fields])
        return verdict.object
    }
    /// In handle(_ report:). Only statistics come to a data provider (NE-REP-05).
    func report(_ report: NEFilterReport) {
        let events = [1: "newFlow", 2: "dataDecision", 3: "flowClosed", 4: "statistics"]
        event("report", report.flow, ["report": ["event": events[report.event.rawValue] ?? "other",
                                                 "bytesInboundCount": report.bytesInboundCount,
                                                 "bytesOutboundCount": report.bytesOutboundCount]])
    }

    // MARK: what the provider does by itself: call these, and then the system, with `object`

    func resumed(_ flow: NEFilterFlow, _ verdict: NewFlow) -> NEFilterNewFlowVerdict {
        event("resumeFlow", flow, ["verdict": verdict.fields])
        return verdict.object
    }
    func resumed(_ flow: NEFilterFlow, _ verdict: DataVerdict) -> NEFilterDataVerdict {
        event("resumeFlow", flow, ["verdict": verdict.fields])
        return verdict.object
    }
    func updated(_ flow: NEFilterFlow, _ verdict: DataVerdict, _ direction: NETrafficDirection) -> NEFilterDataVerdict {
        event("updateFlow", flow, ["verdict": verdict.fields, "direction": name(direction)])
        return verdict.object
    }

    // MARK: the filter

    func filterStart() { event("filterStart", nil, [:]) }
    func filterStarted(_ error: Error?) { event("filterStarted", nil, error.map { ["error": "\($0)"] } ?? [:]) }
    func settingsApplied(_ error: Error?) { event("settingsApplied", nil, error.map { ["error": "\($0)"] } ?? [:]) }
    func filterStop(_ reason: NEProviderStopReason) {
        let names = ["none", "userInitiated", "providerFailed", "noNetworkAvailable", "unrecoverableNetworkChange",
                     "providerDisabled", "authenticationCanceled", "configurationFailed", "idleTimeout",
                     "configurationDisabled", "configurationRemoved", "superceded", "userLogout", "userSwitch",
                     "connectionFailed", "sleep", "appUpdate", "internalError"]
        let raw = Int(reason.rawValue)
        event("filterStop", nil, ["reason": names.indices.contains(raw) ? names[raw] : "\(raw)"])
    }
    func filterStopped() { event("filterStopped", nil, [:]) }
    func sleep() { event("sleep", nil, [:]) }
    func wake() { event("wake", nil, [:]) }

    // MARK: private

    private func data(_ what: String, _ flow: NEFilterFlow, _ offset: Int, _ bytes: Data, _ verdict: [String: Any]?) {
        var fields: [String: Any] = ["offset": offset, "len": bytes.count]
        fields.merge(ends(flow)) { _, new in new } // known by now
        if let verdict = verdict { fields["verdict"] = verdict }
        event(what, flow, fields)
    }

    private func about(_ flow: NEFilterFlow) -> [String: Any] {
        var fields: [String: Any] = ["direction": name(flow.direction), "identifier": flow.identifier.uuidString]
        if let url = flow.url { fields["url"] = url.absoluteString }
        if let socket = flow as? NEFilterSocketFlow {
            fields["protocol"] = Int(socket.socketProtocol)
            fields["family"] = socket.socketFamily == PF_INET6 ? 6 : 4
            fields["type"] = socket.socketType == SOCK_STREAM ? "stream" : socket.socketType == SOCK_DGRAM ? "datagram" : "raw"
            if let host = socket.remoteHostname { fields["remoteHostname"] = host }
        }
        return fields.merging(ends(flow)) { _, new in new }
    }

    /// As they are known at this moment: nil or 0.0.0.0:0 at first (NE-FLOW-04).
    private func ends(_ flow: NEFilterFlow) -> [String: Any] {
        guard let socket = flow as? NEFilterSocketFlow else { return [:] }
        var fields: [String: Any] = [:]
        if let end = socket.localEndpoint { fields["local"] = String(describing: end) }
        if let end = socket.remoteEndpoint { fields["remote"] = String(describing: end) }
        return fields
    }

    private func name(_ direction: NETrafficDirection) -> String {
        direction == .inbound ? "inbound" : direction == .outbound ? "outbound" : "any"
    }
    private func amount(_ n: Int) -> Any { n == .max ? "max" : n }
    private func with(_ fields: [String: Any], _ frequency: NEFilterReport.Frequency) -> [String: Any] {
        let names = [1: "low", 2: "medium", 3: "high"]
        guard let name = names[frequency.rawValue] else { return fields }
        return fields.merging(["statisticsReportFrequency": name]) { _, new in new }
    }

    private func event(_ what: String, _ flow: NEFilterFlow?, _ fields: [String: Any]) {
        var line = fields
        line["event"] = what
        if let flow = flow { line["flow"] = flow.identifier.uuidString }
        put(line)
    }

    /// Numbers are given here, under the lock, so that they rise in the file; a line that could not be written leaves a gap.
    private func put(_ fields: [String: Any]) {
        lock.lock()
        defer { lock.unlock() }
        var line = fields
        if line["event"] != nil {
            seq += 1
            line["seq"] = seq
            line["time"] = Int((DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1000)
        }
        guard let file = file, var text = try? JSONSerialization.data(withJSONObject: line) else { return }
        text.append(0x0a)
        try? file.write(contentsOf: text)
    }
}
