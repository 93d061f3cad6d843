using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CloudinaryDotNet.Actions;

/// <summary>What a call sends, by the names that go over the wire.</summary>
public abstract class BaseParams
{
    public abstract void Check();

    public abstract SortedDictionary<string, object> ToParamsDictionary();

    // Ordered as the signature wants it; what is empty is not sent.
    private protected static SortedDictionary<string, object> Sent(params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var sent = new SortedDictionary<string, object>(StringComparer.Ordinal);
        foreach (var (name, value) in parameters)
        {
            if (value is not (null or ""))
                sent.Add(name, value is bool truth ? (truth ? "true" : "false") : value);
        }

        return sent;
    }
}

/// <summary>An image to upload; its whole public id becomes Folder/PublicId.</summary>
public class ImageUploadParams : BaseParams
{
    public FileDescription? File { get; set; }
    public string? Folder { get; set; }
    public string? PublicId { get; set; }
    public bool? Overwrite { get; set; }

    public override void Check()
    {
        if (string.IsNullOrEmpty(File?.FileName))
            throw new ArgumentException("File and its name must be specified in UploadParams!");
    }

    public override SortedDictionary<string, object> ToParamsDictionary() =>
        Sent(("file", File), ("folder", Folder), ("public_id", PublicId), ("overwrite", Overwrite));
}

/// <summary>An image to remove, by its whole public id; Invalidate also clears it from the CDN.</summary>
public class DeletionParams(string publicId) : BaseParams
{
    public string PublicId { get; set; } = publicId;
    public bool Invalidate { get; set; }

    public override void Check()
    {
        if (string.IsNullOrEmpty(PublicId))
            throw new ArgumentException("PublicId must be specified in UploadParams!");
    }

    public override SortedDictionary<string, object> ToParamsDictionary() =>
        Sent(("public_id", PublicId), ("type", "upload"), ("invalidate", Invalidate));
}

/// <summary>Why Cloudinary refused.</summary>
public class Error
{
    public string? Message { get; set; }
}

/// <summary>What every answer carries.</summary>
public abstract class BaseResult
{
    [JsonIgnore]
    public HttpStatusCode StatusCode { get; set; }
    public Error? Error { get; set; }
}

/// <summary>The stored image; empty but for Error when it was refused.</summary>
public class ImageUploadResult : BaseResult
{
    public string? PublicId { get; set; }
    public Uri? SecureUrl { get; set; }

    [JsonConverter(typeof(NumberAsText))]
    public string? Version { get; set; }

    sealed class NumberAsText : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number ? reader.GetInt64().ToString(CultureInfo.InvariantCulture) : reader.GetString();

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}

/// <summary>Result is "ok" or "not found".</summary>
public class DeletionResult : BaseResult
{
    public string? Result { get; set; }
}

/// <summary>Which resources to list: a page of at most MaxResults from NextCursor on.</summary>
public class ListResourcesParams : BaseParams
{
    public string Type { get; set; } = "";
    public int MaxResults { get; set; }
    public string? NextCursor { get; set; }

    public override void Check() { }

    public override SortedDictionary<string, object> ToParamsDictionary() =>
        Sent(("max_results", MaxResults > 0 ? MaxResults : null), ("next_cursor", NextCursor));
}

/// <summary>Those whose public id begins with Prefix.</summary>
public class ListResourcesByPrefixParams : ListResourcesParams
{
    public string? Prefix { get; set; }

    public override SortedDictionary<string, object> ToParamsDictionary()
    {
        var sent = base.ToParamsDictionary();
        sent.Add("prefix", Prefix ?? "");
        return sent;
    }
}

/// <summary>A page of the list; NextCursor is null on the last.</summary>
public class ListResourcesResult : BaseResult
{
    public Resource[]? Resources { get; set; }
    public string? NextCursor { get; set; }
}

/// <summary>What is stored under a public id; CreatedAt is ISO 8601.</summary>
public class Resource
{
    public string? PublicId { get; set; }
    public string? CreatedAt { get; set; }
    public long Bytes { get; set; }
}

/// <summary>What is known of one resource.</summary>
public class GetResourceResult : BaseResult
{
    public string? PublicId { get; set; }
    public long Bytes { get; set; }
}

/// <summary>Whether the API answers: Status is "ok".</summary>
public class PingResult : BaseResult
{
    public string? Status { get; set; }
}
