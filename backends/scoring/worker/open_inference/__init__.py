"""Open Inference Protocol v2 over whatever a worker serves.

Source: https://github.com/open-inference/open-inference-protocol (REST), and the binary tensor data
extension of https://github.com/triton-inference-server/server/blob/main/docs/protocol.
"""
