// Opens one connection with the npm package "ws", prints "open" and stays until it is ended from outside.
//   node stay.mjs URL
import { WebSocket } from 'ws';

const socket = new WebSocket(process.argv[2]);
socket.on('open', () => console.log('open'));
socket.on('close', code => console.log('closed ' + code));
