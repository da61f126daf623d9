<?php
require __DIR__ . '/config.php';
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $stmt = $pdo->prepare('INSERT INTO messages (name, email, body) VALUES (?, ?, ?)');
    $stmt->execute([$_POST['name'], $_POST['email'], $_POST['body']]);
    header('Location: /?sent=1');
    exit;
}
?>
<form method="post">...</form>
