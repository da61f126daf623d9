const express = require('express');
const { execFile } = require('child_process');
const app = express();
app.use(express.json());

app.post('/hook', (req, res) => {
  if (req.get('X-Hook-Token') !== process.env.HOOK_TOKEN) return res.sendStatus(403);
  execFile('/home/deploy/hooks/deploy.sh', (err) => res.sendStatus(err ? 500 : 204));
});

app.listen(9000, '127.0.0.1');
