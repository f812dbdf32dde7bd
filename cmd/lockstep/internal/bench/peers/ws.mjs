// A bare ws server: what a writer says, every follower hears. It keeps nothing.
import { WebSocketServer } from "ws"

const followers = new Set()
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false, clientTracking: false })

server.on("connection", (socket, request) => {
  socket.on("error", () => {})
  if (request.url === "/write") {
    socket.on("message", (data) => {
      const message = data.toString()
      for (const follower of followers) follower.send(message)
      socket.send("ok")
    })
    return
  }
  followers.add(socket)
  socket.on("close", () => followers.delete(socket))
})

server.on("listening", () => console.log(JSON.stringify({ address: `127.0.0.1:${server.address().port}` })))
process.on("SIGTERM", () => process.exit(0))
