// A Socket.IO server with one room: what a writer says goes to the room, and is
// acknowledged to the writer. Sessions can be recovered where that is what is measured.
import { createServer } from "node:http"
import { Server } from "socket.io"

const recovers = process.env.BENCH_KIND === "resume"
const http = createServer()
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
  ...(recovers ? { connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true } } : {}),
})

io.on("connection", (socket) => {
  if (socket.handshake.auth.role !== "writer") {
    if (!socket.recovered) socket.join("room")
    return
  }
  socket.on("write", (payload, acknowledge) => {
    io.to("room").emit("e", payload)
    acknowledge()
  })
})

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => console.log(JSON.stringify({ address: `127.0.0.1:${http.address().port}` })))
process.on("SIGTERM", () => process.exit(0))
