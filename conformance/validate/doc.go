// Package validate says whether a text is what lockstep.v1 has it be: a frame, an
// event's envelope, or an HTTP body. Where it is not, every fault names the field and
// the rule of conformance/SPEC.md that it breaks.
//
// What a caller may rely on:
//
//   - A text passes the strict scanner, then the JSON Schema of its kind in
//     conformance/schemas, with the names, versions and positions in it held to the
//     parsers of package topics. What the server refuses for its form is found here.
//   - The schemas are closed: a member that the protocol does not know is a fault,
//     for it is most often a misspelled one. A receiver of frames must ignore such
//     members, and so must not use this package to decide what to take.
//   - What a text means together with others (an order, a gap, a seq that is taken)
//     is not looked at.
package validate
