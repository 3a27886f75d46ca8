using System.Security.Cryptography;
using Weir.Host;
using Weir.Host.Settings;

WebApplication app;
try
{
    app = WeirApplication.Build(args);
    await app.StartAsync();
}
catch (SettingsException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
catch (Exception error) when (error is IOException or InvalidOperationException or CryptographicException)
{
    // A port that is taken, a certificate that is missing or cannot be read: Kestrel's message says which.
    await Console.Error.WriteLineAsync($"Weir cannot start. {error.Message}");
    return 1;
}

await using (app)
{
    foreach (string url in app.Urls)
    {
        Console.WriteLine($"Weir is up. Point a browser at {url.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal)}");
    }

    await app.WaitForShutdownAsync();
    return 0;
}
