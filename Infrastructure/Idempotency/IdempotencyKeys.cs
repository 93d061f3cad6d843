using System.Security.Cryptography;
using System.Text;
using FastEndpoints;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Json;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Idempotency;

/// <summary>
/// Runs a request with an <c>Idempotency-Key</c> once, and gives the same request the same answer again
/// (docs/adr/0010-idempotency-keys.md). An answer is stored before it is sent, so that a client that has seen it gets it again.
/// </summary>
sealed class IdempotencyKeys(RequestDelegate next, ILogger<IdempotencyKeys> log)
{
    public const string Header = "Idempotency-Key", Replayed = "Idempotency-Replayed";

    public const int LongestKey = 255;

    const int LongestAnswer = 64 * 1024;

    static readonly string[] KeptHeaders = ["Content-Type", "ETag", "Location"];

    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<Idempotent>() is { } idempotent
            && context.Request.Headers.TryGetValue(Header, out var keys)
            ? AnswerAsync(context, idempotent, keys) : next(context);

    async Task AnswerAsync(HttpContext context, Idempotent idempotent, StringValues keys)
    {
        if (Read(keys) is not { } key)
        {
            await Problems.Of(ErrorCodes.InvalidIdempotencyKey).ExecuteAsync(context);
            return;
        }
        // Not injected: most requests have no key, and need no context.
        var answers = context.RequestServices.GetRequiredService<AnswerStore>();
        var signing = context.RequestServices.GetRequiredService<SigningKeys>();
        // A registration contains a password, which could be guessed from a plain fast hash.
        using var hash = new BodyHash(context.Request, [.. signing.Current.Key, .. Encoding.UTF8.GetBytes($"\n{key}")]);
        var body = new HashedBody(context.Request.Body, hash);
        // JSON is read first and its hash compared at once; an image is hashed while it arrives.
        var requestHash = idempotent.LongestBody is null ? await ReadJsonAsync(context.Request, body, hash) : AnswerStore.NoHash;
        var userId = context.Features.Get<RequestUser>()?.Id;
        var (row, isMine) = await answers.BeginAsync(HashOf(context, key), userId, requestHash, context.RequestAborted);
        if (isMine)
            await RunAsync(context, idempotent, answers, row, body, hash);
        else
            await RepeatAsync(context, idempotent, row, requestHash, body, hash);
    }

    /// <summary>
    /// Whether a request's key was used before, so that it has no effect of its own. Call it after authorisation for a user's key.
    /// </summary>
    public static async Task<bool> IsRepeatAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<Idempotent>() is not null
        && context.Request.Headers.TryGetValue(Header, out var keys) && Read(keys) is { } key
        && await context.RequestServices.GetRequiredService<AnswerStore>().IsKnownAsync(HashOf(context, key), context.RequestAborted);

    static string? Read(StringValues keys) =>
        keys is [{ Length: > 0 and <= LongestKey } key] && key.All(c => c is >= ' ' and <= '~') ? key : null;

    async Task RunAsync(
        HttpContext context, Idempotent idempotent, AnswerStore answers, IdempotentAnswer row, HashedBody body, BodyHash hash)
    {
        var isKept = false;
        var (aborted, response) = (context.RequestAborted, context.Features.Get<IHttpResponseBodyFeature>()!);
        using var answer = new MemoryStream();
        var kept = new StreamResponseBodyFeature(answer);
        try
        {
            // Runs to its end also when the client disconnects: that is when the client asks again.
            context.RequestAborted = CancellationToken.None;
            context.Features.Set<IHttpResponseBodyFeature>(kept);
            if (idempotent.LongestBody is not null)
                context.Request.Body = body;
            await next(context);
            await kept.CompleteAsync();
            isKept = IsFinal(context.Response.StatusCode, idempotent) && answer.Length <= LongestAnswer && await TryKeepAsync();
        }
        finally
        {
            context.RequestAborted = aborted;
            context.Features.Set(response);
            if (!isKept)
                await TryForgetAsync(answers, row);
        }
        await SendAsync(context, answer.ToArray());

        // The client gets the answer whether or not it could be stored.
        async Task<bool> TryKeepAsync()
        {
            try
            {
                if (idempotent.LongestBody is not null && !await body.ReadToEndAsync(StrictJson.MaxBodyBytes, aborted))
                    return false;
                var requestHash = idempotent.LongestBody is null ? row.RequestHash : hash.Finish();
                await answers.KeepAsync(row, requestHash, context.Response.StatusCode, HeadersOf(context.Response), answer.ToArray());
                return true;
            }
            catch (Exception e)
            {
                log.LogWarning(e, "An answer could not be stored under its Idempotency-Key; the request runs again when it is repeated.");
                return false;
            }
        }
    }

    static async Task RepeatAsync(
        HttpContext context, Idempotent idempotent, IdempotentAnswer row, byte[] requestHash, HashedBody body, BodyHash hash)
    {
        if (idempotent.LongestBody is { } longest && row.Status is not null)
        {
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
                limit.MaxRequestBodySize = longest;
            requestHash = await body.ReadToEndAsync(longest, context.RequestAborted) ? hash.Finish() : AnswerStore.NoHash;
        }
        if (!row.RequestHash.AsSpan().SequenceEqual(requestHash))
        {
            await Problems.Of(ErrorCodes.IdempotencyKeyReused).ExecuteAsync(context);
        }
        else if (row.Status is not { } status)
        {
            context.Response.Headers.RetryAfter = "1";
            await Problems.Of(ErrorCodes.RequestUnderWay).ExecuteAsync(context);
        }
        else
        {
            context.Response.StatusCode = status;
            foreach (var line in row.Headers!.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var header = line.Split(':', 2);
                context.Response.Headers[header[0]] = header[1];
            }
            context.Response.Headers[Replayed] = "true";
            await SendAsync(context, row.Body!);
        }
    }

    // The pipeline adds a body to an error without one.
    static async Task SendAsync(HttpContext context, byte[] body)
    {
        if (body.Length == 0)
            return;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    static async Task<byte[]> ReadJsonAsync(HttpRequest request, HashedBody body, BodyHash hash)
    {
        var json = new MemoryStream();
        await body.CopyToAsync(json, request.HttpContext.RequestAborted);
        json.Position = 0;
        request.Body = json;
        return hash.Finish();
    }

    // Stores only what a retry would answer too. No refusal of an image is stored, since one reason is that the service was overloaded.
    static bool IsFinal(int status, Idempotent idempotent) =>
        status < (idempotent.LongestBody is null ? 500 : 300)
        && status is not (StatusCodes.Status401Unauthorized or StatusCodes.Status408RequestTimeout
            or StatusCodes.Status429TooManyRequests or StatusCodes.Status499ClientClosedRequest);

    async Task TryForgetAsync(AnswerStore answers, IdempotentAnswer row)
    {
        try
        {
            await answers.ForgetAsync(row);
        }
        catch (Exception e)
        {
            // The client gets the answer of the request itself.
            log.LogWarning(e, "The row of a failed request could not be deleted; its Idempotency-Key is refused for some minutes.");
        }
    }

    // A user's keys are that user's alone. Anonymous clients share theirs: only the client that chose a random key knows it.
    static byte[] HashOf(HttpContext context, string key)
    {
        var whose = context.Features.Get<RequestUser>()?.Id;
        var route = context.GetEndpoint()!.Metadata.GetMetadata<EndpointDefinition>()!.EndpointType.Name;
        return SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{whose}\n{route}\n{key}")));
    }

    static string HeadersOf(HttpResponse response) =>
        string.Join('\n', KeptHeaders.Where(h => response.Headers.ContainsKey(h)).Select(h => $"{h}:{response.Headers[h]}"));
}
