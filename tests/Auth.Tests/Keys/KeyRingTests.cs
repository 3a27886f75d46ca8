using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;
using Weir.Auth.Diagnostics;
using Weir.Auth.Tokens;
using Weir.Testing;
using Xunit;
using static Weir.Auth.Tests.TestTokens;

namespace Weir.Auth.Tests.Keys;

public sealed class KeyRingTests : IDisposable
{
    private static readonly string _set = SetOf("a");

    private readonly FakeTimeProvider _time = NewClock();
    private readonly ScriptedIssuer _issuer = new();
    private readonly LogProbe _log = new();
    private readonly KeyRing _ring;

    public KeyRingTests() => _ring = new KeyRing(
        new JwtOptions { Jwks = "https://user:password@id.example/keys?secret=1", RefreshInterval = TimeSpan.FromMinutes(10) },
        _log.CreateLogger(AuthLog.Category), _time, new HttpClient(_issuer));

    public void Dispose()
    {
        _ring.Dispose();
        _issuer.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task Start_Loads_AndAgainAtTheInterval()
    {
        _ring.Start();
        Assert.False(_ring.IsComplete);
        await _issuer.AnswerAsync(_set);
        await Bounded.Eventually(() => _ring.IsComplete);
        Assert.Equal(["a"], _ring.Current.Keys.Select(static key => key.Id));

        await AdvanceAsync(TimeSpan.FromMinutes(10));
        await _issuer.AnswerAsync(SetOf("a", "b"));

        await Bounded.Eventually(() => _ring.Current.Keys.Count == 2);
        Assert.Equal(2, _issuer.Requests);
    }

    [Fact]
    public async Task SameKeysAgain_KeepWhatWasVerified()
    {
        _ring.Start();
        await _issuer.AnswerAsync(_set);
        await Bounded.Eventually(() => _ring.IsComplete);
        KeySet before = _ring.Current;

        await AdvanceAsync(KeyRing.LeastInterval);
        Task again = _ring.RefreshAsync();
        await _issuer.AnswerAsync(_set);
        await again.Within();

        Assert.Same(before, _ring.Current);
    }

    // `utf8` is no name of an encoding, and a BOM no part of the text (RFC 8259 section 8.1).
    [Theory]
    [InlineData("application/json; charset=utf8", false)]
    [InlineData("application/json; charset=\"utf-8\"", false)]
    [InlineData("application/json; charset=", false)]
    [InlineData("text/html; charset=iso-8859-1", false)]
    [InlineData("application/json", true)]
    [InlineData(null, true)]
    public async Task Set_WithAnyContentType_IsLoaded(string? contentType, bool hasBom)
    {
        _ring.Start();

        await _issuer.AnswerAsync(_set, contentType ?? "", hasBom);

        await Bounded.Eventually(() => _ring.IsComplete);
        Assert.Single(_ring.Current.Keys);
    }

    [Fact]
    public async Task KeyThatIsLeftOut_IsLoggedOncePerChangeOfTheSet()
    {
        _ring.Start();
        await _issuer.AnswerAsync(SetWith("""{"kty":"oct","kid":"one"}"""));
        await Bounded.Eventually(() => _ring.IsComplete);

        // The text has changed, what is left out has not.
        await AdvanceAsync(TimeSpan.FromMinutes(10));
        await _issuer.AnswerAsync(SetWith(""" {"kid":"one","kty":"oct"} """));
        await Bounded.Eventually(() => _log.Of("KeysLoaded").Count == 2);
        string only = Assert.Single(_log.Of("KeyLeftOut")).Message;
        Assert.Contains("kid \"one\"", only, StringComparison.Ordinal);
        Assert.Contains("`oct`", only, StringComparison.Ordinal);

        await AdvanceAsync(TimeSpan.FromMinutes(10));
        await _issuer.AnswerAsync(SetWith("""{"kty":"oct","kid":"two"}"""));
        await Bounded.Eventually(() => _log.Of("KeysLoaded").Count == 3);
        Assert.Equal(2, _log.Of("KeyLeftOut").Count);

        static string SetWith(string member) => _set.Replace("[", $"[{member},", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("<html>")]
    public async Task Failure_KeepsTheKeysThereAre_AndIsTriedAgain(string? answer)
    {
        _ring.Start();
        await _issuer.AnswerAsync(_set);
        await Bounded.Eventually(() => _ring.IsComplete);

        await AdvanceAsync(TimeSpan.FromMinutes(10));
        await _issuer.AnswerAsync(answer);
        await Bounded.Eventually(() => _log.Of("KeysNotLoaded").Count == 1);
        Assert.Single(_ring.Current.Keys);
        await AdvanceAsync(KeyRing.LeastInterval);
        await _issuer.AnswerAsync(SetOf("b"));

        await Bounded.Eventually(() => _ring.Current.Keys is [{ Id: "b" }]);
        Assert.All(_log.Records, static record =>
        {
            Assert.DoesNotContain("secret", record.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("password", record.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Refresh_IsOneAtATime_AndNotTooOften()
    {
        _ring.Start();
        await _issuer.AnswerAsync(_set);
        await Bounded.Eventually(() => _ring.IsComplete);
        await AdvanceAsync(TimeSpan.Zero);

        for (int i = 0; i < 100; i++)
        {
            Assert.True(_ring.RefreshAsync().IsCompleted); // it has only just been
        }

        await AdvanceAsync(KeyRing.LeastInterval);
        Task[] asking = [.. Enumerable.Range(0, 100).Select(_ => _ring.RefreshAsync())];
        Assert.All(asking, static task => Assert.False(task.IsCompleted));
        await _issuer.AnswerAsync(SetOf("b"));
        await Task.WhenAll(asking).Within();

        Assert.Equal(2, _issuer.Requests);
        Assert.Equal(["b"], _ring.Current.Keys.Select(static key => key.Id));
    }

    [Fact]
    public async Task PemFile_IsReadAgain()
    {
        string path = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.pem");
        await File.WriteAllTextAsync(path, Rsa.ExportSubjectPublicKeyInfoPem(), CancellationToken.None);
        try
        {
            using KeyRing ring = new(new JwtOptions { PublicKeyFile = path, Secret = Secret }, _log.CreateLogger(AuthLog.Category), _time);
            Assert.Single(ring.Current.Keys); // the secret needs no loading
            ring.Start();
            await Bounded.Eventually(() => ring.IsComplete);
            Assert.Equal(2, ring.Current.Keys.Count);

            await File.WriteAllTextAsync(
                path, Rsa.ExportSubjectPublicKeyInfoPem() + "\n" + CurveOf("ES256").ExportSubjectPublicKeyInfoPem(),
                    CancellationToken.None);
            await ring.RefreshAsync(isUrgent: true).Within();

            Assert.Equal(3, ring.Current.Keys.Count);
        }
        finally
        {
            File.Delete(path);
        }
    }

    // The timer is set when a load has ended, a moment after its keys are there.
    private async Task AdvanceAsync(TimeSpan span)
    {
        await _ring.RefreshAsync().Within();
        _time.Advance(span);
    }

    private static string SetOf(params string[] ids)
    {
        RSAParameters key = Rsa.ExportParameters(includePrivateParameters: false);
        return "{\"keys\":[" + string.Join(',', ids.Select(id =>
            $$"""{"kty":"RSA","kid":"{{id}}","n":"{{Base64UrlEncoder.Encode(key.Modulus)}}","e":"{{Base64UrlEncoder.Encode(key.Exponent)}}"}""")) + "]}";
    }

    /// <summary>Answers when the test releases it.</summary>
    private sealed class ScriptedIssuer : HttpMessageHandler
    {
        private readonly BlockingCollection<TaskCompletionSource<HttpResponseMessage>> _waiting = [];
        private int _requests;

        public int Requests => Volatile.Read(ref _requests);

        /// <param name="text">Null: with a failure.</param>
        /// <param name="contentType">As it stands in the header; null: JSON in UTF-8, empty: none.</param>
        /// <param name="hasBom">Whether the text begins with a byte order mark.</param>
        public async Task AnswerAsync(string? text, string? contentType = null, bool hasBom = false)
        {
            TaskCompletionSource<HttpResponseMessage>? waiting = null;
            await Bounded.Eventually(() => _waiting.TryTake(out waiting));
            if (text is null)
            {
                waiting!.SetResult(new(HttpStatusCode.InternalServerError));
                return;
            }

            ByteArrayContent content = new([.. hasBom ? Encoding.UTF8.Preamble : default, .. Encoding.UTF8.GetBytes(text)]);
            content.Headers.TryAddWithoutValidation("Content-Type", contentType ?? "application/json; charset=utf-8");
            waiting!.SetResult(new(HttpStatusCode.OK) { Content = content });
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _requests);
            TaskCompletionSource<HttpResponseMessage> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add(answer, CancellationToken.None);
            return answer.Task.WaitAsync(cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            _waiting.Dispose();
            base.Dispose(disposing);
        }
    }
}
